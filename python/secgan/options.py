"""Settings as typed dictionaries, so that a type checker finds a wrong key. Written by tools/make_options.py.

Every key may be left out. Defaults and rules: docs/options.md, or ``secgan options``.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class TrainSettings(TypedDict, total=False):
    #: the faces to train on
    data: DataSettings
    #: folder of more photos, whose labels are not known: attribute terms leave them out, their edit is their reconstruction; empty: none
    unlabeled: str
    #: bundle of train-parser or import, whose parser sees the photos; needed with a mask branch
    parser: str
    #: a parser as a TorchScript program, in place of a bundle's
    parser_program: ParserProgram
    #: bundle of train-classifier, whose classifier goes into the result, for editing without given labels; empty: the parser's bundle, if it has one
    classifier: str
    #: networks, losses, optimizers
    task: SecganTaskOptions
    #: length, log, checkpoints
    trainer: TrainerOptions
    #: where the networks are: auto (a GPU where there is one), cpu, cuda, cuda:1, mps
    device: str
    #: CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest
    threads: int


class DataSettings(TypedDict, total=False):
    #: the data set; synthetic: drawn faces, folder: any photos, packed: a file of secgan pack
    kind: Literal["synthetic", "celeba", "celebamask-hq", "folder", "packed"]
    #: the data set's folder, or packed its file; drawn faces have none
    root: str
    #: celebamask-hq, folder: class order of index PNGs
    mask_labels: Literal["secgan-12", "celebamask-hq", "face-parsing"]
    #: celebamask-hq: the official split; false: 80/10/10 % by id
    split_by_mapping: bool
    #: folder: a list of the photos' attributes, as CelebA's .txt or a CSV file; empty: they have none
    labels: str
    #: folder: index PNGs called as the photos; empty: they have none
    mask_folder: str
    #: folder: every photo, whichever split is asked for; false: the list's column split, or subfolders train, validation and test, or 80/10/10 % by name
    whole_folder: bool
    #: names from the data set's list; drawn faces: empty for all of theirs
    attributes: list[str]
    #: side in pixels
    image_size: int
    #: none, center, center:N or box:x,y,w,h, in pixels of the photo; empty: celeba center:170, others center
    crop: str
    #: use the first so many samples only; 0: all (drawn faces: 8000)
    count: int
    #: decode every photo once into memory (3 S² bytes each, 4 S² with masks)
    cache: bool


class ParserProgram(TypedDict, total=False):
    #: empty: none. It is a program: name none that you do not trust
    file: str
    #: the order of its classes
    labels: Literal["secgan-12", "celebamask-hq", "face-parsing"]
    #: how it expects its photos
    normalization: Literal["imagenet", "none"]
    #: side to which photos are resized for it (bilinear); 0: as they come
    input_size: int


class SecganTaskOptions(TypedDict, total=False):
    #: G of photos
    photo_generator: GeneratorOptions
    #: G of photos also says where it edits, and elsewhere the photo stays; a custom G does as it does
    attention: bool
    #: D of photos
    photo_discriminator: DiscriminatorOptions
    #: false: the plain conditional GAN, no parser needed
    mask_branch: bool
    #: G of masks
    mask_generator: GeneratorOptions
    #: D of masks
    mask_discriminator: DiscriminatorOptions
    #: weights and choices of the losses
    losses: SecganStepOptions
    #: optimizer of both generators
    generator_adam: AdamOptions
    #: optimizer of both discriminators
    discriminator_adam: AdamOptions
    #: per generator update, each on a batch of its own
    discriminator_updates: int
    #: more discriminator updates at the start, spread over the first 25 generator updates, so that the generators meet critics that know something; 0: none
    discriminator_lead: int
    #: share of targets that differ from the photo's labels in one attribute, each attribute equally often; the others are the batch's labels permuted
    single_edits: float
    #: of all that the discriminators see, drawn anew for each update, for small data; 0 throughout: none
    augment: AugmentOptions
    #: of the edits that the frozen classifier judges: what pleases it by a trick of single pixels does so no longer
    classifier_augment: AugmentOptions
    #: generator updates in which both branches' λ_rec rises linearly from 0 to its value; 0: it is constant
    reconstruction_ramp: int
    #: of the moving average of the generators, which is shown and shipped
    average_decay: float
    #: batches of the data
    loader: LoaderOptions


class GeneratorOptions(TypedDict, total=False):
    #: which networks; the options below are the backbone's
    backbone: Literal["attgan", "stgan", "stargan"]
    #: options of the backbone
    attgan: AttGanGeneratorOptions
    #: options of the backbone
    stgan: StganGeneratorOptions
    #: options of the backbone
    stargan: StarGanGeneratorOptions


class AttGanGeneratorOptions(TypedDict, total=False):
    #: channels of the first encoder layer, then doubled
    enc_dim: int
    #: each halves the side
    enc_layers: int
    #: norm of the encoder
    enc_norm_fn: Literal["none", "batchnorm", "instancenorm", "instancenorm-tracked", "instancenorm-running", "switchnorm"]
    #: activation of the encoder
    enc_acti_fn: Literal["none", "relu", "lrelu", "sigmoid", "tanh"]
    #: channels before the last decoder layer
    dec_dim: int
    #: must equal enc_layers
    dec_layers: int
    #: norm of the decoder
    dec_norm_fn: Literal["none", "batchnorm", "instancenorm", "instancenorm-tracked", "instancenorm-running", "switchnorm"]
    #: activation of the decoder
    dec_acti_fn: Literal["none", "relu", "lrelu", "sigmoid", "tanh"]
    #: decoder layers followed by an encoder skip; at most layers − 1
    shortcut_layers: int
    #: decoder layers followed by the attributes again
    inject_layers: int
    #: cap on every layer's channels
    max_dim: int
    #: negative slope of leaky ReLU
    slope: float
    #: how the decoder doubles the side; published: transposed
    upsampling: Literal["transposed", "nearest", "bilinear", "subpixel"]


class StganGeneratorOptions(TypedDict, total=False):
    #: channels of the first encoder layer, then doubled
    conv_dim: int
    #: each halves the side
    n_layers: int
    #: decoder layers fed by an encoder skip; at most layers − 1
    shortcut_layers: int
    #: decoder layers followed by the attributes again (official: 4)
    inject_layers: int
    #: side of the gates' kernels
    stu_kernel_size: int
    #: selective transfer units in the skips; false: plain skips
    use_stu: bool
    #: norm of the gates (official: none)
    stu_norm: Literal["none", "batchnorm", "instancenorm", "instancenorm-tracked", "instancenorm-running", "switchnorm"]
    #: what a unit hands down to the next finer one
    stu_state: Literal["stu", "gru", "direct"]
    #: a last transposed convolution at full size, from conv_dim / 4 channels
    one_more_conv: bool
    #: side of its kernel
    one_more_kernel_size: int
    #: a bias in the last layer (official: true)
    final_bias: bool
    #: negative slope of leaky ReLU
    slope: float
    #: of batch norm (official: 1e-3)
    norm_epsilon: float
    #: share of the new statistics in the running ones (official: 0.001)
    norm_momentum: float
    #: cap on every layer's channels; 0: none (official: 1024)
    max_dim: int
    #: begin with Glorot's weights and zero biases (official: true)
    glorot: bool
    #: how the decoder doubles the side; the units keep transposed convolutions
    upsampling: Literal["transposed", "nearest", "bilinear", "subpixel"]


class StarGanGeneratorOptions(TypedDict, total=False):
    #: channels at full size, then doubled twice
    conv_dim: int
    #: residual blocks at a quarter of the side
    repeat_num: int
    #: norm; as PyTorch's eval mode has it: instancenorm-running
    norm_fn: Literal["none", "batchnorm", "instancenorm", "instancenorm-tracked", "instancenorm-running", "switchnorm"]
    #: how the side is doubled; published: transposed
    upsampling: Literal["transposed", "nearest", "bilinear", "subpixel"]


class DiscriminatorOptions(TypedDict, total=False):
    #: which networks; the options below are the backbone's
    backbone: Literal["attgan", "stgan", "stargan"]
    #: options of the backbone
    attgan: AttGanDiscriminatorOptions
    #: options of the backbone
    stgan: StganDiscriminatorOptions
    #: options of the backbone
    stargan: StarGanDiscriminatorOptions


class AttGanDiscriminatorOptions(TypedDict, total=False):
    #: channels of the first layer, then doubled
    dim: int
    #: norm of the convolutions
    norm_fn: Literal["none", "batchnorm", "instancenorm", "instancenorm-tracked", "instancenorm-running", "switchnorm"]
    #: activation of the convolutions
    acti_fn: Literal["none", "relu", "lrelu", "sigmoid", "tanh"]
    #: width of both heads
    fc_dim: int
    #: of the heads; none, batchnorm or switchnorm
    fc_norm_fn: Literal["none", "batchnorm", "instancenorm", "instancenorm-tracked", "instancenorm-running", "switchnorm"]
    #: activation of the heads
    fc_acti_fn: Literal["none", "relu", "lrelu", "sigmoid", "tanh"]
    #: each halves the side
    n_layers: int
    #: cap on every layer's channels
    max_dim: int
    #: negative slope of leaky ReLU
    slope: float


class StganDiscriminatorOptions(TypedDict, total=False):
    #: channels of the first layer, then doubled
    conv_dim: int
    #: width of both heads
    fc_dim: int
    #: each halves the side
    n_layers: int
    #: norm; as PyTorch's eval mode has it: instancenorm-running
    norm_fn: Literal["none", "batchnorm", "instancenorm", "instancenorm-tracked", "instancenorm-running", "switchnorm"]
    #: a bias in convolutions before a norm (official: false)
    conv_bias: bool
    #: of the norm (official: 1e-6)
    norm_epsilon: float
    #: negative slope of leaky ReLU
    slope: float
    #: cap on every layer's channels; 0: none (official: 1024)
    max_dim: int
    #: begin with Glorot's weights and zero biases (official: true)
    glorot: bool


class StarGanDiscriminatorOptions(TypedDict, total=False):
    #: channels of the first layer, then doubled
    conv_dim: int
    #: layers; each halves the side
    repeat_num: int
    #: negative slope of leaky ReLU
    slope: float
    #: cap on every layer's channels; 0: none, as published
    max_dim: int


class SecganStepOptions(TypedDict, total=False):
    #: weights of the photo branch's terms
    photo: LossWeights
    #: weights of the mask branch's terms
    mask: LossWeights
    #: wasserstein: WGAN-GP; non-saturating: the logistic loss with R1
    adversarial: Literal["wasserstein", "non-saturating"]
    #: non-saturating: discriminator updates from one with R1, so many times as strong, to the next
    r1_every: int
    #: what the constant side of a consistency term is
    consistency_target: Literal["hard", "soft", "straight_through"]
    #: what the mask discriminator is shown as real
    real_masks: Literal["soft", "hard"]
    #: what generator_classifier's classifier shall see where nothing is to change: labels; seen: what it sees in the photo
    kept_attributes: Literal["labels", "seen"]
    #: the difference vector is intensity (y_trg - y_src); STGAN publishes 0.5
    intensity: float
    #: networks under bfloat16 autocast, losses in float32
    bfloat16: bool


class LossWeights(TypedDict, total=False):
    #: λ_gp of the wasserstein loss
    gradient_penalty: float
    #: γ of the non-saturating loss, whose penalty is γ/2 E‖∇D(x)‖²
    r1_penalty: float
    #: λ_cls of D
    discriminator_attribute: float
    #: λ_cls of G
    generator_attribute: float
    #: photos: of a frozen classifier's judgment of the edit, beside that of D's head; 0: none
    generator_classifier: float
    #: λ_rec
    reconstruction: float
    #: λ_sc
    semantic_consistency: float


class AdamOptions(TypedDict, total=False):
    #: size of a step
    learning_rate: float
    #: decay of the gradients' running mean
    beta1: float
    #: decay of their squares' running mean
    beta2: float
    #: added to the root of that mean
    epsilon: float


class AugmentOptions(TypedDict, total=False):
    #: largest shift, up, down and sideways, as a share of the side; DiffAugment's is 0.125
    shift: float
    #: probability of mirroring
    flip: float
    #: photos: the largest value added or taken away, of a range of 2; DiffAugment's is 0.5
    brightness: float
    #: photos: the largest change of the contrast, as a share of it; DiffAugment's is 0.5
    contrast: float


class LoaderOptions(TypedDict, total=False):
    #: samples per batch; no more than the data set has
    batch: int
    #: several processes: each takes so many; false, as a run's settings.toml has it: they share so many
    per_process: bool
    #: of the order and of the mirroring; one seed makes the run repeatable
    seed: int
    #: mirror every other sample, drawn anew each epoch
    flip: bool
    #: batches that are read while others are worked on, each in a thread of its own; 0: one beside a computation on the CPU, for a GPU as many as there are processors, at most 8
    ahead: int


class TrainerOptions(TypedDict, total=False):
    #: length of the run, in generator updates (or updates of the one network); the schedule is relative to it
    steps: int
    #: steps between log lines (values are means over them)
    log_every: int
    #: steps between sample pictures; 0: none
    sample_every: int
    #: steps between checkpoints; 0: at the end and when stopped only
    checkpoint_every: int
    #: share of the run with the full learning rate; then it falls linearly
    decay_start: float
    #: factor of the learning rate at the end
    final_rate: float
    #: when a value is not finite: end the run, or go back to the last checkpoint and on with the batches after the failed one
    on_nan: Literal["stop", "rollback"]
    #: how often a run may go back; then it ends
    rollbacks: int
    #: several processes: seconds to wait for another one before the run ends with an error
    process_timeout: int


class TrainParserSettings(TypedDict, total=False):
    #: the photos and masks to train on
    data: DataSettings
    #: network, optimizer
    task: ParserTaskOptions
    #: length, log, checkpoints
    trainer: TrainerOptions
    #: where the networks are: auto (a GPU where there is one), cpu, cuda, cuda:1, mps
    device: str
    #: CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest
    threads: int


class ParserTaskOptions(TypedDict, total=False):
    #: the network; its classes are the twelve
    parser: ParserOptions
    #: how it is trained
    training: SupervisedOptions


class ParserOptions(TypedDict, total=False):
    #: which network
    network: Literal["unet", "bisenet-resnet18", "bisenet-resnet34"]
    #: options of the U-Net
    unet: UnetOptions


class UnetOptions(TypedDict, total=False):
    #: channels at full resolution, doubled per level
    dim: int
    #: resolutions; sides must be multiples of 2^(levels - 1)
    levels: int


class SupervisedOptions(TypedDict, total=False):
    #: the optimizer
    adam: AdamOptions
    #: the network under bfloat16 autocast, the loss in float32
    bfloat16: bool
    #: batches of the data
    loader: LoaderOptions
    #: of photos and their masks, drawn anew for each step, for small data; 0 throughout: none
    augment: AugmentOptions


class TrainClassifierSettings(TypedDict, total=False):
    #: the faces to train on
    data: DataSettings
    #: network, optimizer
    task: ClassifierTaskOptions
    #: length, log, checkpoints
    trainer: TrainerOptions
    #: where the networks are: auto (a GPU where there is one), cpu, cuda, cuda:1, mps
    device: str
    #: CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest
    threads: int


class ClassifierTaskOptions(TypedDict, total=False):
    #: the network
    classifier: ClassifierOptions
    #: how it is trained
    training: SupervisedOptions


class ClassifierOptions(TypedDict, total=False):
    #: channels of the first convolution
    dim: int
    #: cap on every convolution's channels
    max_dim: int
    #: networks that differ by their first weights and answer together, by the mean of their logits
    members: int


class EvaluateSettings(TypedDict, total=False):
    #: the photos; side and attributes follow from the bundle, split, crop and count from the protocol
    data: DataSource
    #: what is measured, and how
    protocol: EvaluationProtocol
    #: read the data set's masks too, for the parser's IoU; drawn faces always have them
    masks: bool
    #: weights of the FID Inception v3; empty: FID, KID and IS are not measured
    inception: str
    #: how photos reach its 299 pixels; pytorch-fid's
    inception_resize: Literal["bilinear", "bilinear-antialias", "none"]
    #: weights of SwAV's ResNet-50; empty: ssFID is not measured
    swav: str
    #: custom features, for a Fréchet distance under the file's name; file empty: none
    extractor: ExtractorProgram
    #: an embedding network, for the identity cosine; file empty: none
    identity: ExtractorProgram
    #: photos at once
    batch: int
    #: where the networks are: auto (a GPU where there is one), cpu, cuda, cuda:1, mps
    device: str
    #: CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest
    threads: int


class DataSource(TypedDict, total=False):
    #: the data set; synthetic: drawn faces, folder: any photos, packed: a file of secgan pack
    kind: Literal["synthetic", "celeba", "celebamask-hq", "folder", "packed"]
    #: the data set's folder, or packed its file; drawn faces have none
    root: str
    #: celebamask-hq, folder: class order of index PNGs
    mask_labels: Literal["secgan-12", "celebamask-hq", "face-parsing"]
    #: celebamask-hq: the official split; false: 80/10/10 % by id
    split_by_mapping: bool
    #: folder: a list of the photos' attributes, as CelebA's .txt or a CSV file; empty: they have none
    labels: str
    #: folder: index PNGs called as the photos; empty: they have none
    mask_folder: str
    #: folder: every photo, whichever split is asked for; false: the list's column split, or subfolders train, validation and test, or 80/10/10 % by name
    whole_folder: bool


class EvaluationProtocol(TypedDict, total=False):
    #: for people; not part of the hash
    name: str
    #: of the data set
    split: Literal["train", "validation", "test"]
    #: the first so many of the split; 0: all of it
    photos: int
    #: none, center, center:N or box:x,y,w,h; empty: the bundle's
    crop: str
    #: the attributes to flip; empty: all of the bundle's
    attributes: list[str]
    #: which attributes a flip turns off along with it
    conflicts: Literal["secgan", "stgan", "none"]
    #: of the flip, and of what the rules flip along
    strength: float
    #: bundle whose classifier judges; empty: the one in the model's bundle
    classifier: str
    #: change outside: pixels around an attribute's region that it may touch, at 64 px; grows with the side
    region_margin: int
    #: how many of a photo's edits stand for it in distributions, drawn by the seed; 0: all
    edits_per_photo: int
    #: a Fréchet distance of fewer photos or edits is refused
    min_samples: int
    #: KID: subsets that are averaged
    kernel_subsets: int
    #: KID: photos, and edits, in a subset
    kernel_subset_size: int
    #: Inception Score: splits that are averaged
    score_splits: int
    #: share of the resamples inside an interval
    level: float
    #: of the photos, for intervals
    resamples: int
    #: the same for FID and its kin, each a new covariance
    distribution_resamples: int
    #: of all draws
    seed: int


class ExtractorProgram(TypedDict, total=False):
    #: TorchScript, or a package of AOTInductor. It is a program: name none that you do not trust
    file: str
    #: side of the photos that it takes
    input_size: int
    #: how photos reach that side
    resize: Literal["bilinear", "bilinear-antialias", "none"]
    #: how it expects its photos
    normalization: Literal["imagenet", "none"]


class ImportOptions(TypedDict, total=False):
    #: the generator's attributes, in its order; default: the repository's published list, where the count fits
    attributes: list[str]
    #: side of the photos it was trained on; default 128, parsers 512
    image_size: int | None
    #: none, center, center:N or box:x,y,w,h; default: center:170 (AttGAN), center:178 (STGAN, StarGAN), none (parsers)
    crop: str
    #: what strength 1 means; default: the repository's test script
    intensity: float | None
    #: bundle whose classifier is included, for edits without given labels
    classifier: str
    #: bundle whose parser is included
    parser: str
    #: of the weights, for people to read
    license: str
    #: which of several states in the file, as G_ema or state_dict.model; default: the one that fits, an average first
    entry: str


class SemanticBranchConfig(TypedDict, total=False):
    #: how many the host edits
    attributes: int
    #: side of the photos in pixels
    image_size: int
    #: G of masks
    generator: GeneratorOptions
    #: D of masks
    discriminator: DiscriminatorOptions
    #: weights and choices of the losses; of `photo` the semantic_consistency alone counts, the rest is the host's
    losses: SecganStepOptions
    #: optimizer of the mask generator
    generator_adam: AdamOptions
    #: optimizer of the mask discriminator
    discriminator_adam: AdamOptions
    #: of the masks that D sees, drawn anew for each call: shift and flip
    augment: AugmentOptions
    #: calls per optimizer step, for hosts that accumulate gradients
    accumulate: int
    #: in a job of several processes: updates with their mean gradients, as DistributedDataParallel makes the host's
    synchronize: bool
    #: of the first weights, of the gradient penalty's places and of the augmentation
    seed: int
