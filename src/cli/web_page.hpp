#pragma once
/// A bundle as a page that edits photos in a browser: the page's files, onnxruntime-web, the networks as ONNX models, and a description of
/// what is in it, from which the page takes every rule that the library has in a table; or without runtime and networks, for a server that
/// has them.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "secgan/alignment/mtcnn.hpp"
#include "secgan/bundle/bundle.hpp"

namespace secgan::cli {

struct WebPage {
  std::string title = "Edit faces";
  std::optional<Mtcnn> detector = {};  ///< for bundles of aligned photos; nullopt: photos are taken as aligned
};

/// The detector of a page, or of a server: the file's, else the installed one; none for bundles that search no face, nor, which is told,
/// where none is installed.
/// @param model  the bundle, for messages   @param whose  "the page"   @throws InvalidArgument for a file and a bundle that searches no
/// face
std::optional<Mtcnn> page_detector(const std::string& file, const Bundle& bundle, const std::string& model, const std::string& whose);

/// What a page written to the folder would replace is a page, or nothing.  @throws Error naming what is there
void require_web_place(const std::filesystem::path& folder);

/// What was written, for people.
struct WrittenPage {
  size_t files = 0;
  size_t bytes = 0;
};

/// Whole or not at all.
/// @throws as require_web_place; Error for a bundle without a generator, with a custom network, or without the page's files or
/// onnxruntime-web
///         being installed
WrittenPage write_web_page(const std::filesystem::path& folder, const Bundle& bundle, const WebPage& page);

/// The page for a server that edits: its files by their names.
/// @param most_bytes  of a photo's file, as the server takes it   @throws Error as write_web_page, without need of onnxruntime-web
std::map<std::string, std::string> served_page(const Bundle& bundle, const WebPage& page, uint64_t most_bytes);

}  // namespace secgan::cli
