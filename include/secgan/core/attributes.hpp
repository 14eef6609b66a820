#pragma once
/// Attribute names, which of them exclude one another, and the difference vectors that steer an edit.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"

namespace secgan {

/// CelebA's 40 attribute names in the order of list_attr_celeba.txt.
SECGAN_API const std::vector<std::string>& celeba_attribute_names();

/// An attribute and a strength. Positive adds the attribute, negative removes it; 1 is the
/// strength that training used, values between are a slider, larger ones exaggerate.
struct AttributeEdit {
  std::string name;
  double strength = 1.0;
};

/// What a photo shows, by attribute.
using NamedLabels = std::vector<std::pair<std::string, bool>>;

/// Which attributes cannot be on together (CelebA names; rules on absent attributes do not apply). Turning one member of a
/// group on turns the others off; turning one off turns nothing on.
enum class ConflictRules {
  kSecgan,  ///< hair colors and Bald; Bald, Bangs; Receding_Hairline, Bangs; Straight_Hair, Wavy_Hair; Mustache, No_Beard
  kStgan,   ///< STGAN's: hair colors; Bald, Bangs; Receding_Hairline, Bangs; Straight_Hair, Wavy_Hair
  kNone,
};
inline constexpr std::array<std::pair<std::string_view, ConflictRules>, 3> kConflictRules{
    {{"secgan", ConflictRules::kSecgan}, {"stgan", ConflictRules::kStgan}, {"none", ConflictRules::kNone}}};
template <>
struct EnumNames<ConflictRules> {
  static constexpr auto& table = kConflictRules;
  static constexpr std::string_view what = "conflicts";
};

/// The ordered attributes of a model or data set and the rules between them.
class SECGAN_API AttributeSchema {
 public:
  AttributeSchema() = default;
  /// @throws InvalidArgument for an empty list, an empty name or a name given twice.
  explicit AttributeSchema(std::vector<std::string> names, ConflictRules rules = ConflictRules::kSecgan);

  const std::vector<std::string>& names() const { return names_; }
  int64_t size() const { return static_cast<int64_t>(names_.size()); }
  bool contains(std::string_view name) const;
  /// @throws InvalidArgument that lists the known names.
  int64_t index(std::string_view name) const;
  /// Indices of the attributes that cannot be on together with attribute `index`.
  const std::vector<int64_t>& excluded_by(int64_t index) const;

  /// Labels by name as numbers; those that are not named are 0.
  /// @param argument  first word of a message   @return [A] float32 in {0, 1}
  /// @throws InvalidArgument for an unknown attribute or one given twice.
  at::Tensor labels(const NamedLabels& named, std::string_view argument) const;

  /// Labels with one attribute flipped and the rules applied.
  /// @param labels [N, A] in {0, 1}   @return [N, A], a new tensor   @throws InvalidArgument for another shape or an index beyond
  at::Tensor flip(const at::Tensor& labels, int64_t index) const;

  /// The same with an attribute of its own for each photo.
  /// @param index [N] int64   @throws InvalidArgument as above.
  at::Tensor flip(const at::Tensor& labels, const at::Tensor& index) const;

  /// The difference vector that carries out `edits` on photos with labels `source`.
  /// An attribute that the photo already has is not added again (difference 0), one that it lacks is not removed.
  /// Adding with strength s removes what the rules exclude with the same strength.
  /// @param source [N, A] in {0, 1}   @return [N, A]
  /// @throws InvalidArgument for an unknown attribute, one given twice, two that exclude each other both added,
  ///         or a strength that is not finite.
  at::Tensor difference(const at::Tensor& source, const std::vector<AttributeEdit>& edits) const;

  friend bool operator==(const AttributeSchema& a, const AttributeSchema& b) { return a.names_ == b.names_; }

 private:
  std::vector<std::string> names_;
  std::vector<std::vector<int64_t>> excluded_;
};

}  // namespace secgan
