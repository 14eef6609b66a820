#pragma once
/// Backbones: pairs of a generator and a discriminator with all that is known of them in one place. docs/architecture.md shows how to add
/// one.

#include <any>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/nn/state_shapes.hpp"

namespace secgan {

/// One of the two networks of a backbone. Made by network_kind from the network's class.
template <class Holder>
struct NetworkKind {
  std::any published;                            ///< its option struct, as published
  std::function<std::any(int64_t width)> small;  ///< the same for 64 px on a CPU
  std::function<Record(std::any&)> record;
  std::function<Holder(const NetworkSpec&, const std::any&)> make;
  /// Whether such a state is this network's; then sets what names and shapes tell. What they do not tell stays as it is.
  std::function<bool(const StateShapes&, NetworkSpec&, std::any&)> recognize;
};

/// A published version that is another option set of the same networks.
struct BackbonePreset {
  std::string name;
  std::any generator;
  std::any discriminator;
};

struct Backbone {
  std::string name;
  NetworkKind<Generator> generator;
  NetworkKind<Discriminator> discriminator;
  std::vector<BackbonePreset> presets = {};
};

/// The kind of network that Impl is. Its `Impl::Options` (OptionsOfRole) may offer, beside their fields:
///   void check(const NetworkSpec&) const              rules between options and data, throws InvalidArgument
///   static Options small(int64_t width)               the recipe for 64 px on a CPU; default: as published
///   static bool recognize(const StateShapes&, NetworkSpec&, Options&)   default: files of weights are never taken for this network
/// Impl is built from (const NetworkSpec&, const Options&).
template <class Holder, class Impl>
NetworkKind<Holder> network_kind() {
  using Options = typename Impl::Options;
  const auto options_in = [](std::any& held) -> Options& { return *std::any_cast<Options>(&held); };
  NetworkKind<Holder> kind;
  kind.published = Options{};
  kind.small = [](int64_t width) -> std::any {
    if constexpr (requires { Options::small(width); }) return Options::small(width);
    return Options{};
  };
  kind.record = [options_in](std::any& held) { return record_of(options_in(held)); };
  kind.make = [](const NetworkSpec& spec, const std::any& held) {
    const Options& options = *std::any_cast<Options>(&held);
    if constexpr (requires { options.check(spec); }) options.check(spec);
    const std::shared_ptr<typename Holder::ContainedType> network = std::make_shared<Impl>(spec, options);
    return Holder(network);
  };
  kind.recognize = [options_in](const StateShapes& state, NetworkSpec& spec, std::any& held) {
    if constexpr (requires(Options& options) { Options::recognize(state, spec, options); }) {
      return Options::recognize(state, spec, options_in(held));
    }
    return false;
  };
  return kind;
}

/// A backbone of two network classes: `return make_backbone<MyGeneratorImpl, MyDiscriminatorImpl>("mine");`
template <class GeneratorImpl, class DiscriminatorImpl>
Backbone make_backbone(std::string name, std::vector<BackbonePreset> presets = {}) {
  return {std::move(name), network_kind<Generator, GeneratorImpl>(), network_kind<Discriminator, DiscriminatorImpl>(), std::move(presets)};
}

/// The names of all backbones, in the table's order.
SECGAN_API std::vector<std::string> backbone_names();

/// @throws InvalidArgument that lists the names.
SECGAN_API const Backbone& backbone(std::string_view name);

/// Adds a custom backbone to the table for the rest of the process: the command line, settings files, bundles and foreign weights then
/// know it by its name. Call it before anything else of the library, from one thread.
/// @throws InvalidArgument for a name that is taken.
SECGAN_API void add_backbone(Backbone backbone);

/// The backbone, with its options, whose generator or discriminator has such a state.
/// @param base  what no shape tells (slopes, activations, a generator's side) comes from here, where it is of the same backbone
SECGAN_API std::optional<GeneratorConfig> recognize_generator(const StateShapes& state, const GeneratorConfig& base);
SECGAN_API std::optional<DiscriminatorConfig> recognize_discriminator(const StateShapes& state, const DiscriminatorConfig& base);

}  // namespace secgan
