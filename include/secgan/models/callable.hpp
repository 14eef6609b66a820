#pragma once
/// Custom networks behind the run-time interface: a function and the tensors that it computes with. The trainer,
/// previews and measures then take them like the networks of this library.

#include <functional>

#include "secgan/core/export.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {

/// The tensors behind a function. They are shared, never copied: training changes them in place.
struct CallableState {
  NamedTensors parameters;          ///< trained; floating point
  NamedTensors buffers;             ///< kept in checkpoints and averaged, not trained
  std::function<void(bool)> train;  ///< told of train(true) and train(false); may be empty
};

class SECGAN_API CallableGeneratorImpl final : public GeneratorImpl {
 public:
  /// (image [N, C, S, S], attributes [N, A]) -> [N, C, S, S]: photos in [-1, 1], masks as logits
  using Function = std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>;

  /// @param spec  what the function takes; its output is final, whatever `output` says
  /// @throws InvalidArgument for an empty function or a name given twice.
  CallableGeneratorImpl(const NetworkSpec& spec, Function function, CallableState state);

  void train(bool on = true) override;

 protected:
  /// The image itself: a function has no halves.
  std::vector<at::Tensor> encode_image(const at::Tensor& image) override { return {image}; }
  at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) override;

 private:
  Function function_;
  std::function<void(bool)> train_;
};

class SECGAN_API CallableDiscriminatorImpl final : public DiscriminatorImpl {
 public:
  /// image [N, C, S, S] -> scores: adversarial [N, 1], attribute logits [N, A]
  using Function = std::function<Scores(const at::Tensor&)>;

  CallableDiscriminatorImpl(const NetworkSpec& spec, Function function, CallableState state);

  void train(bool on = true) override;

 protected:
  Scores score(const at::Tensor& image) override;

 private:
  Function function_;
  std::function<void(bool)> train_;
};

/// Such a network as a holder.
SECGAN_API Generator make_callable_generator(const NetworkSpec& spec, CallableGeneratorImpl::Function function, CallableState state);
SECGAN_API Discriminator make_callable_discriminator(const NetworkSpec& spec, CallableDiscriminatorImpl::Function function,
                                                     CallableState state);

}  // namespace secgan
