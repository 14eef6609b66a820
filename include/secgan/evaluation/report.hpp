#pragma once
/// Evaluations as files: JSON for machines, Markdown and HTML for people; and several of them in one table.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/evaluation/evaluate.hpp"

namespace secgan {

/// What a report says beside the metrics.
struct ReportContext {
  std::string model;         ///< the bundle's folder, as the reader knows it
  std::string model_digest;  ///< SHA-256 of its weights' file
  std::string data;          ///< the data set, in words
  bool whole_data = false;   ///< all of it, whatever the protocol's split
  at::Tensor grid;           ///< [3, H, W] uint8, example edits; undefined: none
  std::string grid_caption;
};

/// An evaluation as JSON text. Every metric carries value, low, high, count and the first characters of the protocol's
/// hash, or the reason why it was not measured. The keys are Metric::key's.
SECGAN_API std::string evaluation_json(const Evaluation& evaluation, const ReportContext& context);

/// Tables in Markdown, the hash beside every metric.
SECGAN_API std::string evaluation_markdown(const Evaluation& evaluation, const ReportContext& context);

/// One page with pictures: example edits, and per attribute the edits that are worth doubt.
SECGAN_API std::string evaluation_html(const Evaluation& evaluation, const ReportContext& context);

/// Before long work: that write_evaluation can write there. Files of its names are replaced in a folder that holds a report, and nowhere
/// else.
/// @throws Error naming what is there.
SECGAN_API void require_report_place(const std::filesystem::path& folder);

/// Writes report.json, report.md, report.html and protocol.toml (the protocol as it was used) into a folder.
/// @throws as require_report_place
SECGAN_API void write_evaluation(const std::filesystem::path& folder, const Evaluation& evaluation, const ReportContext& context);

/// Reports of `secgan evaluate` side by side, a column per report, in Markdown.
/// @param files  report.json files, at least one
/// @param different_protocols  also where hashes differ; the table then says so
/// @throws FileNotFound; Error for a file that is no report; InvalidArgument naming two reports of different protocols and
///         what differs.
SECGAN_API std::string compare_reports(const std::vector<std::filesystem::path>& files, bool different_protocols = false);

}  // namespace secgan
