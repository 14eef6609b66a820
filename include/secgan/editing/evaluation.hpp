#pragma once
/// How well a bundle's networks do on labelled photos.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "secgan/data/dataset.hpp"
#include "secgan/io/bundle.hpp"

namespace secgan {

/// Figures per attribute in the order of the bundle's attributes; empty or absent where a network is missing.
struct Evaluation {
  int64_t photos = 0;
  std::vector<double> accuracy;         ///< of the classifier on the photos
  std::vector<double> recognition;      ///< TARR: each attribute flipped in turn at strength 1
  std::vector<double> recognition_add;  ///< the same where the flip adds the attribute
  std::vector<double> recognition_remove;
  std::vector<double> preservation;     ///< share of the other attributes that the classifier finds unchanged
  std::vector<double> change_outside;   ///< mean |edit - photo| (range 2) where the parse of both is the same class
  std::optional<double> psnr;           ///< of G(x, 0) against x, dB, mean over photos
  std::optional<double> mean_iou;       ///< of the parser against the masks
  std::vector<double> iou;              ///< per class of the twelve

  double mean_recognition() const;
};

/// Runs every network that the bundle holds over the first `count` samples of the data set.
/// @throws InvalidArgument when the data set's attributes or side are not the bundle's.
Evaluation evaluate(const Bundle& bundle, const Dataset& data, int64_t count, int64_t batch = 50);

}  // namespace secgan
