#pragma once
/// Golden numbers of the published networks, compared without sharing a weight: both sides fill a network with the
/// same hash of (element, entry), feed it the same hashed image and compare what comes out.

#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "secgan/core/named_tensors.hpp"
#include "secgan/nn/state.hpp"

namespace secgan::testing {

/// A value in [-1, 1) for flat element `k` of entry `j`.
inline double golden_value(uint32_t k, uint32_t j) {
  uint32_t h = k * 2654435761U + (j + 1) * 2246822519U;
  h = (h ^ (h >> 15)) * 2246822519U;
  h = (h ^ (h >> 13)) * 3266489917U;
  h ^= h >> 16;
  return h / 4294967296.0 * 2 - 1;
}

/// float32 of offset + scale * golden_value.
inline at::Tensor golden_tensor(at::IntArrayRef shape, int64_t j, double scale = 1, double offset = 0) {
  at::Tensor out = torch::empty(shape);
  float* const values = out.data_ptr<float>();
  for (int64_t k = 0; k < out.numel(); ++k) {
    values[k] = static_cast<float>(offset + scale * golden_value(static_cast<uint32_t>(k), static_cast<uint32_t>(j)));
  }
  return out;
}

/// The image that every golden row is computed on.
inline at::Tensor golden_image(at::IntArrayRef shape) { return golden_tensor(shape, 1000); }

/// Fills entries in the order given, which is the entry's number in the hash.
inline void fill_golden(const NamedTensors& state) {
  torch::NoGradGuard no_grad;
  for (size_t index = 0; index < state.size(); ++index) {
    const auto& [name, tensor] = state[index];
    const auto ends = [&name = name](std::string_view suffix) { return name.ends_with(suffix); };
    if (ends("num_batches_tracked")) continue;
    double scale = 0.1;
    double offset = 0;
    if (tensor.dim() >= 2) {
      scale = std::sqrt(3.0 / static_cast<double>(tensor.numel() / tensor.size(0)));
    } else if (ends("running_var") || ends("weight")) {
      offset = 1;
    }
    at::Tensor(tensor).copy_(golden_tensor(tensor.sizes(), static_cast<int64_t>(index), scale, offset));
  }
}

inline void fill_golden(const torch::nn::Module& module) { fill_golden(module_state(module)); }

/// What a golden row records. `probe`: flat elements 0, n/3, n/2, n - 1.
struct GoldenRow {
  double mean;
  double deviation;
  std::vector<double> probe;
};

/// The rows carry six or seven decimals; another order of float32 summation moves the values by about as much.
inline constexpr double kGoldenTolerance = 1e-5;

inline void check_golden(const at::Tensor& output, const GoldenRow& row) {
  const at::Tensor flat = output.detach().contiguous().flatten();
  const at::Tensor precise = flat.to(at::kDouble);
  CHECK(precise.mean().item<double>() == Approx(row.mean).margin(kGoldenTolerance));
  CHECK(precise.std().item<double>() == Approx(row.deviation).margin(kGoldenTolerance));
  const int64_t n = flat.numel();
  const int64_t places[] = {0, n / 3, n / 2, n - 1};
  for (size_t i = 0; i < row.probe.size(); ++i) {
    CHECK(flat[places[i]].item<double>() == Approx(row.probe[i]).margin(kGoldenTolerance));
  }
}

/// Name and shape of every entry.
using KeyList = std::vector<std::pair<std::string, std::vector<int64_t>>>;

/// tests/golden/keys/`name`.txt: a published network's state, an entry a line, "name extent extent …".
inline KeyList published_keys(const std::string& name) {
  std::ifstream file(SECGAN_GOLDEN_DIR "/keys/" + name + ".txt");
  if (!file) throw std::runtime_error("no key list " + name);
  KeyList keys;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    auto& [key, shape] = keys.emplace_back();
    words >> key;
    for (int64_t extent; words >> extent;) shape.push_back(extent);
  }
  return keys;
}

inline KeyList keys_of(const torch::nn::Module& module) {
  KeyList keys;
  for (const auto& [name, tensor] : module_state(module)) keys.emplace_back(name, tensor.sizes().vec());
  return keys;
}

}  // namespace secgan::testing
