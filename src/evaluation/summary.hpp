#pragma once
/// Scores of photos, made into metrics: averages, intervals, reasons for what was not measured.

#include "evaluation/scoring.hpp"
#include "evaluation/subject.hpp"
#include "secgan/evaluation/evaluate.hpp"

namespace secgan {

/// Fills `metrics`, `attributes` and `parser_iou`.
void add_metrics(Subject& subject, const PhotoScores& scores, Evaluation& out);

}  // namespace secgan
