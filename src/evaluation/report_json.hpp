#pragma once

#include <nlohmann/json.hpp>

#include "secgan/evaluation/report.hpp"

namespace secgan::detail {

/// What evaluation_json writes, as a tree.
SECGAN_API nlohmann::ordered_json report_json(const Evaluation& evaluation, const ReportContext& context);

}  // namespace secgan::detail
