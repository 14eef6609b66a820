#pragma once
/// Scores of photos, made into figures: averages, intervals, reasons for what was not measured.

#include "evaluation/scoring.hpp"
#include "evaluation/subject.hpp"
#include "secgan/evaluation/evaluate.hpp"

namespace secgan {

/// Fills `figures`, `attributes` and `parser_iou`.
void add_figures(Subject& subject, const PhotoScores& scores, Evaluation& out);

}  // namespace secgan
