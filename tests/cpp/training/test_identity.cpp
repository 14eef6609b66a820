#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/data/dataset.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "training/identity.hpp"

using namespace secgan;

namespace {

/// Photos that are never read.
struct Listed final : Dataset {
  std::vector<std::string> names{"/old/1.jpg", "/old/2.jpg"};
  AttributeSchema schema{{"Bald", "Male"}};
  std::vector<std::vector<float>> on{{0, 1}, {1, 0}};
  int64_t side = 64;

  int64_t size() const override { return static_cast<int64_t>(names.size()); }
  Sample get(int64_t) const override { throw Error("read"); }
  int64_t image_size() const override { return side; }
  const AttributeSchema& attributes() const override { return schema; }
  bool has_masks() const override { return false; }
  at::Tensor labels(int64_t index) const override { return at::tensor(on.at(static_cast<size_t>(index))); }
  std::string sample_name(int64_t index) const override { return names.at(static_cast<size_t>(index)); }
};

/// The names of what tells two data sets apart.
std::vector<std::string> differences(const Dataset& a, const Dataset& b) {
  const NamedTexts one = identity_of(a), other = identity_of(b);
  REQUIRE(one.size() == other.size());
  std::vector<std::string> names;
  for (size_t i = 0; i < one.size(); ++i) {
    if (one[i] != other[i]) names.push_back(one[i].first);
  }
  return names;
}

}  // namespace

TEST_CASE("data sets are told apart by attributes in order, side, photos and labels, not by their place", "[training]") {
  const Listed given;
  using Names = std::vector<std::string>;
  Listed other = given;
  other.names = {"/new/1.jpg", "/new/2.jpg"};
  CHECK(differences(given, other).empty());
  other.schema = AttributeSchema({"Male", "Bald"});
  CHECK(differences(given, other) == Names{"the order of attributes"});
  other = given;
  other.side = 32;
  CHECK(differences(given, other) == Names{"the side of photos"});
  other = given;
  other.names = {"/old/2.jpg", "/old/1.jpg"};
  CHECK(differences(given, other) == Names{"the list of photos"});
  other = given;
  other.on[1][1] = 1;
  CHECK(differences(given, other) == Names{"the list of labels"});
  other = given;
  other.names.push_back("3.jpg");
  other.on.push_back({0, 0});
  CHECK(differences(given, other) == Names{"the number of photos", "the list of photos", "the list of labels"});
}

TEST_CASE("drawn faces know their labels without being drawn", "[faces]") {
  const SyntheticFaces faces({.count = 6, .image_size = 32, .seed = 3});
  for (int64_t i = 0; i < faces.size(); ++i) CHECK(at::equal(faces.labels(i), faces.get(i).labels));
}
