#pragma once
/// The networks run over the photos: what each photo adds to every measure.

#include <string>
#include <vector>

#include "evaluation/distributions.hpp"
#include "evaluation/rows.hpp"
#include "evaluation/subject.hpp"

namespace secgan {

/// Of N photos and F flipped attributes. What was not measured is empty.
struct PhotoScores {
  Rows labels;                                // [N, A]
  Rows right;                                 // [N, A] the classifier is right about the photo
  Rows asked, found, adding, kept, keepable;  // [N, F]
  Rows outside, outside_pixels, identity;     // [N, F]
  Rows psnr, ssim, l1;                        // [N]
  Rows parse_pairs, branch_pairs;             // [N, K, K] confusion counts
  std::vector<ExtractedFeatures> seen;        // by the subject's extractors
  std::string digest;                         // SHA-256 of the photos' ids, labels and pixels
};

PhotoScores score(Subject& subject, const EvaluationControl& control);

}  // namespace secgan
