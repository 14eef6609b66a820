#pragma once
/// Options of a generator or discriminator, whichever backbone it is of.

#include <any>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/models/network_spec.hpp"

namespace secgan {

enum class NetworkRole { kGenerator, kDiscriminator };

/// The options of one backbone's network in that role, as AttGanGeneratorOptions.
template <class O, NetworkRole role>
concept OptionsOfRole = Described<O> && O::kRole == role && requires {
  { O::kBackbone } -> std::convertible_to<std::string_view>;
};

/// A backbone and its options. What follows from the data is no part of them: NetworkSpec.
///
///     make_generator(spec, "stgan");                                   // as published
///     make_generator(spec, AttGanGeneratorOptions{.enc_dim = 32});
///     options.as<AttGanGeneratorOptions>().shortcut_layers = 2;
template <NetworkRole role>
class SECGAN_API NetworkOptions {
 public:
  /// AttGAN's, as published.
  NetworkOptions();
  // NOLINTBEGIN(*-explicit-constructor): where options are asked for, a backbone's name or its options are given.
  /// @param name  of preset_names()   @throws InvalidArgument that lists the names.
  NetworkOptions(std::string_view name);
  NetworkOptions(const char* name) : NetworkOptions(std::string_view(name)) {}
  NetworkOptions(const std::string& name) : NetworkOptions(std::string_view(name)) {}
  template <class O>
    requires OptionsOfRole<O, role>
  NetworkOptions(O options) : backbone_(O::kBackbone), options_(std::move(options)) {}
  // NOLINTEND(*-explicit-constructor)

  /// The backbone's recipe for faces of 64 px on a CPU.  @param width  channels of its first layer
  static NetworkOptions small(std::string_view backbone, int64_t width);

  const std::string& backbone() const { return backbone_; }
  /// Another backbone or preset in its place: small where this one was made by small(), else as published.
  /// @throws InvalidArgument that lists the names.
  void choose(std::string_view name);

  /// The options of the backbone that this is.  @throws InvalidArgument for another backbone's.
  template <class O>
    requires OptionsOfRole<O, role>
  O& as() {
    return as<O>(*this);
  }
  template <class O>
    requires OptionsOfRole<O, role>
  const O& as() const {
    return as<O>(*this);
  }

  /// `backbone`, and its options under its name.
  Record record();
  /// The backbone's options alone.
  Record backbone_record();

  /// The option struct itself, for the backbone's builder.
  const std::any& held() const { return options_; }
  static NetworkOptions holding(std::string backbone, std::any options);

 private:
  template <class O, class Self>
  static auto& as(Self& self) {
    auto* const found = std::any_cast<O>(&self.options_);
    if (found == nullptr)
      throw InvalidArgument("options of '" + self.backbone_ + "' are asked for those of '" + std::string(O::kBackbone) + "'");
    return *found;
  }

  std::string backbone_;
  std::any options_;
  int64_t small_width_ = 0;  // 0: as published
};

using GeneratorOptions = NetworkOptions<NetworkRole::kGenerator>;
using DiscriminatorOptions = NetworkOptions<NetworkRole::kDiscriminator>;

/// A network in full: what rebuilds it. Files hold it as one table.
template <NetworkRole role>
struct SECGAN_API NetworkConfig {
  NetworkSpec spec;
  NetworkOptions<role> options;

  Record record();
};

using GeneratorConfig = NetworkConfig<NetworkRole::kGenerator>;
using DiscriminatorConfig = NetworkConfig<NetworkRole::kDiscriminator>;

extern template class NetworkOptions<NetworkRole::kGenerator>;
extern template class NetworkOptions<NetworkRole::kDiscriminator>;
extern template struct NetworkConfig<NetworkRole::kGenerator>;
extern template struct NetworkConfig<NetworkRole::kDiscriminator>;

/// Every name: the backbones, then published versions that are an option set of one ("stgan-official").
SECGAN_API std::vector<std::string> preset_names();

}  // namespace secgan
