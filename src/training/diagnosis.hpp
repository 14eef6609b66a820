#pragma once
/// What is going wrong in the training of a conditional GAN, told from its values while there is still time.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "secgan/core/named_values.hpp"

namespace secgan {

class Diagnosis {
 public:
  /// @param guess  share of the labels that always guessing each attribute's more frequent value gets right; nullopt: unknown
  explicit Diagnosis(std::optional<double> guess = std::nullopt) : guess_(guess) {}

  /// A sentence for each fault, which names the settings to change.
  /// @param means  of the values that SecganTask::step and held_out give, since the last call
  std::vector<std::string> warnings(int64_t step, const NamedValues& means);

 private:
  void critic_falls_behind(const NamedValues& means, std::vector<std::string>& out);
  void edits_do_nothing(const NamedValues& means, std::vector<std::string>& out) const;
  void head_learns_nothing(const NamedValues& means, std::vector<std::string>& out) const;
  void head_overfits(const NamedValues& means, std::vector<std::string>& out) const;
  void edits_please_the_head_alone(const NamedValues& means, std::vector<std::string>& out) const;

  std::optional<double> guess_;
  std::map<std::string, int> behind_;  // by branch: log lines in a row
};

}  // namespace secgan
