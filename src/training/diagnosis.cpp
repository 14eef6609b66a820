#include "training/diagnosis.hpp"

#include <algorithm>
#include <numbers>
#include <string_view>

#include "core/format.hpp"

namespace secgan {
namespace {

constexpr int64_t kFirstWarning = 200;    // steps: as early on everything looks wrong
constexpr double kNoEdit = 0.002;         // mean difference of edit and reconstruction, of a range of 2
constexpr double kNothingLearned = 0.05;  // share of the way from always guessing the more frequent label to always right
constexpr double kOverfit = 0.25;         // of that way, between photos of the training and others
constexpr double kPleased = 0.7;          // share of the changed attributes that a head sees: as long as it is less, edits are under way
constexpr double kPleasesTheHeadAlone = 0.2;  // of them, not seen by another classifier

std::optional<double> find(const NamedValues& means, std::string_view name) {
  const auto found = std::ranges::find(means, name, [](const auto& entry) { return std::string_view(entry.first); });
  return found == means.end() ? std::nullopt : std::optional(found->second);
}

// What D minimizes. WGAN's E[D(fake)] - E[D(real)] is below 0 with a critic that is ahead: what the generator minimizes is then a distance.
// The logistic loss is below 2 log 2, what a discriminator that knows nothing has.
void discriminator_falls_behind(const NamedValues& means, AdversarialLoss adversarial, std::vector<std::string>& out) {
  const bool wasserstein = adversarial == AdversarialLoss::kWasserstein;
  const double knows_nothing = wasserstein ? 0 : 2 * std::numbers::ln2;
  for (const std::string branch : {"photo", "mask"}) {
    const auto value = find(means, branch + "/discriminator/adversarial");
    if (!value || *value <= knows_nothing) continue;
    out.push_back(
        fmt::format("the {} of {}s falls behind the generator: its {} is {:.3g}, above {:.3g}, so edits do not get better: raise "
                    "discriminator_updates, or lower generator_adam.learning_rate",
                    wasserstein ? "critic" : "discriminator", branch, wasserstein ? "E[D(fake)] - E[D(real)]" : "adversarial loss", *value,
                    knows_nothing));
  }
}

void edits_do_nothing(const NamedValues& means, std::vector<std::string>& out) {
  const auto distance = find(means, "photo/generator/edit_distance");
  if (!distance || *distance >= kNoEdit) return;
  out.push_back(
      fmt::format("edits equal the reconstruction (mean difference {:.4f} of a range of 2): raise "
                  "generator_attribute or lower reconstruction and shortcut_layers",
                  *distance));
}

void head_learns_nothing(const NamedValues& means, const std::optional<double>& guess, std::vector<std::string>& out) {
  const auto accuracy = find(means, "photo/discriminator/accuracy");
  if (!accuracy || !guess || *accuracy >= *guess + kNothingLearned * (1 - *guess)) return;
  out.push_back(
      fmt::format("the discriminator's attribute head learns nothing: {:.3f} right on real photos, always guessing the more frequent label "
                  "gives {:.3f}: raise discriminator_attribute or discriminator_updates",
                  *accuracy, *guess));
}

void head_overfits(const NamedValues& means, const std::optional<double>& guess, std::vector<std::string>& out) {
  const auto seen = find(means, "photo/discriminator/accuracy"), unseen = find(means, "photo/held_out/accuracy");
  if (!seen || !unseen || !guess || *seen - *unseen < kOverfit * (1 - *guess)) return;
  out.push_back(
      fmt::format("the discriminator's attribute head learns its photos by heart: {:.3f} right on those of the training, {:.3f} on others "
                  "(always guessing: {:.3f}): train on more photos, augment them (task.augment), or lower discriminator_attribute",
                  *seen, *unseen, *guess));
}

void edits_please_the_head_alone(const NamedValues& means, std::vector<std::string>& out) {
  const auto head = find(means, "photo/held_out/edits_by_discriminator"), other = find(means, "photo/held_out/edits_by_classifier");
  if (!head || !other || *head < kPleased || *head - *other < kPleasesTheHeadAlone) return;
  out.push_back(
      fmt::format("edits please the discriminator's attribute head, not the classifier: {:.2f} of the changed attributes are seen by the "
                  "one, {:.2f} by the other: augment what the discriminator sees (task.augment), or raise generator_classifier",
                  *head, *other));
}

}  // namespace

std::vector<std::string> diagnose(int64_t step, const NamedValues& means, AdversarialLoss adversarial, const std::optional<double>& guess) {
  std::vector<std::string> out;
  if (step < kFirstWarning) return out;
  discriminator_falls_behind(means, adversarial, out);
  edits_do_nothing(means, out);
  head_learns_nothing(means, guess, out);
  head_overfits(means, guess, out);
  edits_please_the_head_alone(means, out);
  return out;
}

}  // namespace secgan
