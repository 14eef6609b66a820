#include <ATen/ATen.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "cli/checks.hpp"
#include "cli/commands.hpp"
#include "cli/outputs.hpp"
#include "cli/printing.hpp"
#include "core/counted.hpp"
#include "core/format.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/io/file.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/nn/profile.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan::cli {
namespace {

struct ModelsRequest {
  int64_t image_size = 128;
  int64_t attributes = 13;
  std::string json;
};

struct Row {
  std::string network, part;
  std::optional<NetworkProfile> profile;
  std::string reason;  ///< why there is none
};

template <class Work>
Row row(std::string network, std::string part, Work&& work) {
  Row out{std::move(network), std::move(part), std::nullopt, ""};
  try {
    out.profile = work();
  } catch (const InvalidArgument& rule) {
    out.reason = rule.what();
  }
  return out;
}

/// Every network that can be named, on one photo. Evaluation mode: batch norm needs no second photo there.
/// @param shown  gets each as soon as it is measured, which takes seconds for large sides
std::vector<Row> measure(const ModelsRequest& request, const std::function<void(const Row&)>& shown) {
  std::vector<Row> rows;
  const auto add = [&](Row one) {
    shown(one);
    rows.push_back(std::move(one));
  };
  const auto image = [&](int64_t channels) { return at::rand({1, channels, request.image_size, request.image_size}); };
  for (const std::string& name : preset_names()) {
    for (const auto& [part, channels] : {std::pair<const char*, int64_t>{"generator", 3}, {"mask generator", kSecganClasses}}) {
      add(row(name, part, [&, channels = channels] {
        Generator network = make_generator({request.attributes, request.image_size, channels}, name);
        network->eval();
        return profile(*network, [&] { return network->forward(image(channels), at::zeros({1, request.attributes})); });
      }));
    }
    add(row(name, "discriminator", [&] {
      Discriminator network = make_discriminator({request.attributes, request.image_size}, name);
      network->eval();
      return profile(*network, [&] {
        const Scores scores = network->forward(image(3));
        return at::cat({scores.adversarial.flatten(), scores.attribute_logits.flatten()});
      });
    }));
  }
  for (const auto& [name, value] : kParserNetworks) {
    add(row(std::string(name), "parser", [&, value = value] {
      Parser network = make_parser({.options = {.network = value}});
      network->eval();
      // Trained through every head, used through the first.
      return profile(*network, [&] {
        if (!at::GradMode::is_enabled()) return network->forward(image(3));
        std::vector<at::Tensor> heads = network->heads(image(3));
        for (at::Tensor& head : heads) head = head.flatten();
        return at::cat(heads);
      });
    }));
  }
  return rows;
}

nlohmann::ordered_json to_json(const ModelsRequest& request, const std::vector<Row>& rows) {
  nlohmann::ordered_json out = {
      {"image_size", request.image_size}, {"attributes", request.attributes}, {"networks", nlohmann::ordered_json::array()}};
  for (const Row& r : rows) {
    nlohmann::ordered_json entry = {{"network", r.network}, {"part", r.part}};
    if (r.profile) {
      entry["parameters"] = r.profile->parameters;
      entry["multiply_adds"] = r.profile->multiply_adds;
      entry["weight_bytes"] = r.profile->weight_bytes;
      entry["forward_bytes"] = r.profile->forward_bytes;
      entry["training_bytes"] = r.profile->training_bytes;
    } else {
      entry["not_measured"] = r.reason;
    }
    out["networks"].push_back(std::move(entry));
  }
  return out;
}

void run(const ModelsRequest& request) {
  require_json_place(request.json, {"image_size", "attributes", "networks"});
  if (request.json == "-") {
    print_bytes(stdout, to_json(request, measure(request, [](const Row&) {})).dump(2) + "\n");
    return;
  }
  say("one photo of {} px, {}, float32; the mask generator has {} channels\n\n", request.image_size,
      counted(request.attributes, "attribute"), kSecganClasses);
  say("{:<18}{:<16}{:>12}{:>14}{:>14}{:>16}{:>16}\n", "network", "part", "parameters", "multiply-adds", "weights", "editing needs",
      "training needs");
  const auto mebibytes = [](int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  const auto show = [&](const Row& r) {
    if (!r.profile) return say("{:<18}{:<16}not at this side: {}\n", r.network, r.part, r.reason);
    say("{:<18}{:<16}{:>10.2f} M{:>12.2f} G{:>10.1f} MiB{:>12.1f} MiB{:>12.1f} MiB\n", r.network, r.part,
        static_cast<double>(r.profile->parameters) / 1e6, static_cast<double>(r.profile->multiply_adds) / 1e9,
        mebibytes(r.profile->weight_bytes), mebibytes(r.profile->forward_bytes), mebibytes(r.profile->training_bytes));
    flush_results();
  };
  const std::vector<Row> rows = measure(request, show);
  if (!request.json.empty()) write_file(request.json, to_json(request, rows).dump(2) + "\n");
  say("\nediting, training: most memory held at once beside the weights, in a forward pass, and in forward and backward pass with "
      "gradients\n");
}

}  // namespace

void add_models(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("models", "list the networks with parameters, multiply-adds and memory");
  auto request = std::make_shared<ModelsRequest>();
  constexpr int64_t kLargest = 4096;  // a photo of more takes more memory than there is in most machines
  constexpr int64_t kMost = 65536;    // as networks have it
  command.add_option("--image-size", request->image_size, "side in pixels")
      ->check(whole_number_in(1, kLargest))
      ->capture_default_str()
      ->type_name("N");
  command.add_option("--attributes", request->attributes, "how many attributes")
      ->check(whole_number_in(1, kMost))
      ->capture_default_str()
      ->type_name("N");
  add_json_option(command, request->json, "also write the table to a file");
  command.callback([=] { run(*request); });
}

}  // namespace secgan::cli
