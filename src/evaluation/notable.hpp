#pragma once
/// Edits worth a look, so that no metric has to be believed: the worst ones, by two measures.

#include "evaluation/scoring.hpp"
#include "evaluation/subject.hpp"
#include "secgan/evaluation/evaluate.hpp"

namespace secgan {

/// Fills `outside` and `far_from_real`, at most `count` edits per attribute each.
void add_notable_edits(Subject& subject, const PhotoScores& scores, int64_t count, Evaluation& out);

}  // namespace secgan
