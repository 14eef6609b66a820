#include "training/identity.hpp"

#include <ATen/ATen.h>

#include <filesystem>
#include <string_view>

#include "core/format.hpp"
#include "secgan/io/digest.hpp"

namespace secgan {
namespace {

std::string shortened(const std::string& digest) { return "sha256 " + digest.substr(0, 16); }

}  // namespace

NamedTexts identity_of(const Dataset& data) {
  std::string names;
  std::vector<at::Tensor> labels;
  for (int64_t i = 0; i < data.size(); ++i) {
    names += std::filesystem::path(data.sample_name(i)).filename().string() + "\n";
    if (const at::Tensor of_one = data.labels(i); of_one.defined()) labels.push_back(of_one);
  }
  NamedTexts identity{{"the order of attributes", fmt::format("{}", fmt::join(data.attributes().names(), ", "))},
                      {"the side of photos", fmt::format("{}", data.image_size())},
                      {"the number of photos", fmt::format("{}", data.size())},
                      {"the list of photos", shortened(sha256(names))}};
  if (!labels.empty()) identity.emplace_back("the list of labels", short_digest({{"labels", at::stack(labels)}}));
  return identity;
}

NamedTexts identity_of_held_out(const Dataset& data) {
  NamedTexts out;
  for (const auto& [name, text] : identity_of(data)) {
    constexpr std::string_view kList = "the list of ";
    if (name.starts_with(kList)) out.emplace_back(fmt::format("{}held-out {}", kList, name.substr(kList.size())), text);
  }
  return out;
}

std::string short_digest(const NamedTensors& tensors) { return shortened(sha256_tensors(tensors)); }

}  // namespace secgan
