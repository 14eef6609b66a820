#pragma once
/// A bundle as a static page that edits photos in a browser: the page's files, onnxruntime-web, the networks as ONNX models, and a
/// description of what is in it, from which the page takes every rule that the library has in a table.

#include <filesystem>
#include <optional>
#include <string>

#include "secgan/alignment/mtcnn.hpp"
#include "secgan/bundle/bundle.hpp"

namespace secgan::cli {

struct WebPage {
  std::string title = "Edit faces";
  std::optional<Mtcnn> detector = {};  ///< for bundles of aligned photos; nullopt: photos are taken as aligned
};

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

}  // namespace secgan::cli
