#pragma once
/// A fourth backbone: a generator that adds a correction to the photo at full size, and a plain critic.

#include <secgan/models/backbone.hpp>

#include <tuple>

struct ResidualGeneratorOptions {
  int64_t width = 32;
  int64_t blocks = 2;

  static constexpr auto fields() {
    using O = ResidualGeneratorOptions;
    return std::tuple{
        secgan::field<&O::width>("channels of every layer", secgan::rule::kPositive),
        secgan::field<&O::blocks>("residual blocks", secgan::rule::kNotNegative),
    };
  }
  static constexpr std::string_view kBackbone = "residual";
  static constexpr secgan::NetworkRole kRole = secgan::NetworkRole::kGenerator;
  static ResidualGeneratorOptions small(int64_t width) { return {.width = width, .blocks = 1}; }
  static bool recognize(const secgan::StateShapes& state, secgan::NetworkSpec& spec, ResidualGeneratorOptions& options);
};

struct ResidualDiscriminatorOptions {
  int64_t width = 32;

  static constexpr auto fields() {
    return std::tuple{secgan::field<&ResidualDiscriminatorOptions::width>("channels of the first layer", secgan::rule::kPositive)};
  }
  static constexpr std::string_view kBackbone = "residual";
  static constexpr secgan::NetworkRole kRole = secgan::NetworkRole::kDiscriminator;
  void check(const secgan::NetworkSpec& spec) const;
};

/// Everything that the library and its command have to know of it.
secgan::Backbone residual_backbone();
