#include "targets.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include "secgan/core/error.hpp"
#include "temporary_folder.hpp"

namespace secgan::fuzz {
namespace {

constexpr std::array kTargets{
    Target{"attgan_settings", &attgan_settings},
    Target{"attribute_list", &attribute_list},
    Target{"bundle_config", &bundle_config},
    Target{"bundle_weights", &bundle_weights},
    Target{"edit_request", &edit_request},
    Target{"exif", &exif},
    Target{"import_file", &import_file},
    Target{"mask", &mask},
    Target{"npz", &npz},
    Target{"packed", &packed},
    Target{"photo", &photo},
    Target{"pickle", &pickle},
    Target{"program", &program},
    Target{"provenance", &provenance},
    Target{"report", &report},
    Target{"request_host", &request_host},
    Target{"safetensors", &safetensors},
    Target{"settings_json", &settings_json},
    Target{"settings_toml", &settings_toml},
    Target{"state_shapes", &state_shapes},
    Target{"torch_file", &torch_file},
};

void require_one_line(std::string_view message) {
  require(!message.empty(), "a refusal without words");
  require(std::ranges::none_of(message, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }),
          "a refusal with control characters");
}

}  // namespace

std::span<const Target> targets() { return kTargets; }

void run(const Target& target, std::string_view bytes) {
  try {
    target.read(bytes);
  } catch (const Error& refusal) {
    require_one_line(refusal.what());
  } catch (const InvalidArgument& refusal) {
    require_one_line(refusal.what());
  }
}

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

std::filesystem::path file_of(std::string_view name, std::string_view bytes) {
  static const testing::TemporaryFolder folder;
  return folder.write(name, bytes);
}

NamedTensors contiguous(const NamedTensors& tensors) {
  NamedTensors out;
  for (const auto& [name, tensor] : tensors) out.emplace_back(name, tensor.contiguous());
  return out;
}

bool same(const NamedTensors& a, const NamedTensors& b) {
  return std::ranges::equal(a, b, [](const auto& left, const auto& right) {
    const at::Tensor x = left.second.contiguous(), y = right.second.contiguous();
    return left.first == right.first && x.scalar_type() == y.scalar_type() && x.sizes() == y.sizes() &&
           (x.nbytes() == 0 || std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0);
  });
}

}  // namespace secgan::fuzz
