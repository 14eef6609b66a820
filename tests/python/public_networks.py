"""The public networks once more in plain PyTorch, for the tests to compare with.

Written from the published descriptions (layer tables, key lists), not from the C++ of this library.
"""

import torch
from torch import nn


class SwitchNorm2d(nn.Module):
    """Luo et al., arXiv 1806.10779: instance, layer and batch statistics, mixed by learned weights."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))
        self.register_buffer("running_mean", torch.zeros(1, channels, 1))
        self.register_buffer("running_var", torch.zeros(1, channels, 1))

    def forward(self, x):
        n, c, h, w = x.shape
        flat = x.reshape(n, c, -1)
        means = [flat.mean(-1, keepdim=True)]
        variances = [flat.var(-1, keepdim=True)]
        second = variances[0] + means[0] ** 2
        means.append(means[0].mean(1, keepdim=True))
        variances.append(second.mean(1, keepdim=True) - means[1] ** 2)
        if self.training:
            means.append(means[0].mean(0, keepdim=True))
            variances.append(second.mean(0, keepdim=True) - means[2] ** 2)
            self.running_mean.mul_(0.997).add_(0.003 * means[2].detach())
            self.running_var.mul_(0.997).add_(0.003 * variances[2].detach())
        else:
            means.append(self.running_mean)
            variances.append(self.running_var)
        share, spread = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = sum(a * b for a, b in zip(share, means, strict=False))
        variance = sum(a * b for a, b in zip(spread, variances, strict=False))
        normed = ((flat - mean) / (variance + 1e-5).sqrt()).reshape(n, c, h, w)
        return normed * self.weight + self.bias


class SwitchNorm1d(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, features))
        self.bias = nn.Parameter(torch.zeros(1, features))
        self.mean_weight = nn.Parameter(torch.ones(2))
        self.var_weight = nn.Parameter(torch.ones(2))
        self.register_buffer("running_mean", torch.zeros(1, features))
        self.register_buffer("running_var", torch.zeros(1, features))

    def forward(self, x):
        means, variances = [x.mean(1, keepdim=True)], [x.var(1, keepdim=True)]
        if self.training:
            means.append(x.mean(0, keepdim=True))
            variances.append(x.var(0, keepdim=True))
            self.running_mean.mul_(0.997).add_(0.003 * means[1].detach())
            self.running_var.mul_(0.997).add_(0.003 * variances[1].detach())
        else:
            means.append(self.running_mean)
            variances.append(self.running_var)
        share, spread = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = sum(a * b for a, b in zip(share, means, strict=False))
        variance = sum(a * b for a, b in zip(spread, variances, strict=False))
        return (x - mean) / (variance + 1e-5).sqrt() * self.weight + self.bias


def norm2d(name, channels):
    return {
        "none": list,
        "batchnorm": lambda: [nn.BatchNorm2d(channels)],
        "instancenorm": lambda: [nn.InstanceNorm2d(channels, affine=True)],
        "switchnorm": lambda: [SwitchNorm2d(channels)],
    }[name]()


def norm1d(name, features):
    return {"none": list, "batchnorm": lambda: [nn.BatchNorm1d(features)], "switchnorm": lambda: [SwitchNorm1d(features)]}[name]()


def activation(name):
    return {"none": [], "relu": [nn.ReLU()], "lrelu": [nn.LeakyReLU()], "sigmoid": [nn.Sigmoid()], "tanh": [nn.Tanh()]}[name]


class Layers(nn.Module):
    def __init__(self, *parts):
        super().__init__()
        self.layers = nn.Sequential(*parts)

    def forward(self, x):
        return self.layers(x)


def tiled(attributes, features):
    return attributes[:, :, None, None].expand(-1, -1, features.shape[2], features.shape[3])


class AttGanGenerator(nn.Module):
    def __init__(
        self,
        enc_dim,
        enc_layers,
        enc_norm_fn,
        enc_acti_fn,
        dec_dim,
        dec_layers,
        dec_norm_fn,
        dec_acti_fn,
        n_attrs,
        shortcut_layers,
        inject_layers,
        image_channels=3,
    ):
        super().__init__()
        self.sc, self.inj = min(shortcut_layers, dec_layers - 1), min(inject_layers, dec_layers - 1)
        self.enc_layers, self.dec_layers = nn.ModuleList(), nn.ModuleList()
        widths, channels = [], image_channels
        for i in range(enc_layers):
            widths.append(min(enc_dim * 2**i, 1024))
            conv = nn.Conv2d(channels, widths[-1], 4, 2, 1, bias=enc_norm_fn == "none")
            self.enc_layers.append(Layers(conv, *norm2d(enc_norm_fn, widths[-1]), *activation(enc_acti_fn)))
            channels = widths[-1]
        channels += n_attrs
        for i in range(dec_layers):
            if i == dec_layers - 1:
                self.dec_layers.append(Layers(nn.ConvTranspose2d(channels, image_channels, 4, 2, 1), nn.Tanh()))
                break
            width = min(dec_dim * 2 ** (dec_layers - i - 1), 1024)
            conv = nn.ConvTranspose2d(channels, width, 4, 2, 1, bias=dec_norm_fn == "none")
            self.dec_layers.append(Layers(conv, *norm2d(dec_norm_fn, width), *activation(dec_acti_fn)))
            channels = width + (widths[dec_layers - 2 - i] if self.sc > i else 0) + (n_attrs if self.inj > i else 0)

    def encode(self, x):
        zs = []
        for layer in self.enc_layers:
            x = layer(x)
            zs.append(x)
        return zs

    def decode(self, zs, a):
        z = torch.cat([zs[-1], tiled(a, zs[-1])], 1)
        for i, layer in enumerate(self.dec_layers):
            z = layer(z)
            if self.sc > i:
                z = torch.cat([z, zs[len(self.dec_layers) - 2 - i]], 1)
            if self.inj > i:
                z = torch.cat([z, tiled(a, z)], 1)
        return z

    def forward(self, x, a):
        return self.decode(self.encode(x), a)


class AttGanDiscriminator(nn.Module):
    def __init__(self, dim, norm_fn, acti_fn, fc_dim, fc_norm_fn, fc_acti_fn, n_layers, img_size, n_attrs, image_channels=3):
        super().__init__()
        self.conv, channels = nn.ModuleList(), image_channels
        for i in range(n_layers):
            width = min(dim * 2**i, 1024)
            self.conv.append(
                Layers(nn.Conv2d(channels, width, 4, 2, 1, bias=norm_fn == "none"), *norm2d(norm_fn, width), *activation(acti_fn))
            )
            channels = width
        inputs = channels * (img_size // 2**n_layers) ** 2

        def head(outputs):
            hidden = Layers(nn.Linear(inputs, fc_dim, bias=fc_norm_fn == "none"), *norm1d(fc_norm_fn, fc_dim), *activation(fc_acti_fn))
            return nn.Sequential(hidden, Layers(nn.Linear(fc_dim, outputs)))

        self.fc_adv, self.fc_cls = head(1), head(n_attrs)

    def forward(self, x):
        for layer in self.conv:
            x = layer(x)
        return self.fc_adv(x.flatten(1)), self.fc_cls(x.flatten(1))


class SelectiveTransferUnit(nn.Module):
    def __init__(self, attributes, channels, kernel):
        super().__init__()
        self.upsample = nn.ConvTranspose2d(2 * channels + attributes, channels, 4, 2, 1, bias=False)

        def gate(last):
            return nn.Sequential(
                nn.Conv2d(2 * channels, channels, kernel, 1, (kernel - 1) // 2, bias=False), nn.BatchNorm2d(channels), last
            )

        self.reset_gate, self.update_gate, self.hidden = gate(nn.Sigmoid()), gate(nn.Sigmoid()), gate(nn.Tanh())

    def forward(self, feature, state, a):
        s = self.upsample(torch.cat([state, tiled(a, state)], 1))
        r = self.reset_gate(torch.cat([feature, s], 1))
        z = self.update_gate(torch.cat([feature, s], 1))
        new_state = r * s
        h = self.hidden(torch.cat([feature, new_state], 1))
        return (1 - z) * s + z * h, new_state


class StganGenerator(nn.Module):
    def __init__(self, attr_dim, conv_dim, n_layers, shortcut_layers, stu_kernel_size, use_stu, one_more_conv, image_channels=3):
        super().__init__()
        self.sc, self.use_stu = min(shortcut_layers, n_layers - 1), use_stu
        widths = [conv_dim * 2**i for i in range(n_layers)]
        self.encoder = nn.ModuleList()
        for inputs, width in zip([image_channels, *widths], widths, strict=False):
            self.encoder.append(nn.Sequential(nn.Conv2d(inputs, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)))
        if use_stu:
            self.stu = nn.ModuleList([SelectiveTransferUnit(attr_dim, widths[n_layers - 2 - s], stu_kernel_size) for s in range(self.sc)])
        self.decoder = nn.ModuleList()
        for i in range(n_layers):
            if i == 0:
                inputs = widths[-1] + attr_dim
            elif i <= self.sc:
                inputs = 3 * conv_dim * 2 ** (n_layers - 1 - i)
            else:
                inputs = conv_dim * 2 ** (n_layers - i)
            if i < n_layers - 1:
                width = conv_dim * 2 ** (n_layers - 1 - i)
                self.decoder.append(nn.Sequential(nn.ConvTranspose2d(inputs, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()))
            elif one_more_conv:
                width = conv_dim // 4
                self.decoder.append(
                    nn.Sequential(
                        nn.ConvTranspose2d(inputs, width, 4, 2, 1, bias=False),
                        nn.BatchNorm2d(width),
                        nn.ReLU(),
                        nn.ConvTranspose2d(width, image_channels, 3, 1, 1, bias=False),
                        nn.Tanh(),
                    )
                )
            else:
                self.decoder.append(nn.Sequential(nn.ConvTranspose2d(inputs, image_channels, 4, 2, 1, bias=False), nn.Tanh()))

    def encode(self, x):
        y = []
        for layer in self.encoder:
            x = layer(x)
            y.append(x)
        return y

    def decode(self, y, a):
        state = y[-1]
        out = self.decoder[0](torch.cat([state, tiled(a, state)], 1))
        for i in range(1, len(self.decoder)):
            if i <= self.sc:
                if self.use_stu:
                    skip, state = self.stu[i - 1](y[-(i + 1)], state, a)
                else:
                    skip = y[-(i + 1)]
                out = torch.cat([out, skip], 1)
            out = self.decoder[i](out)
        return out

    def forward(self, x, a):
        return self.decode(self.encode(x), a)


class StganDiscriminator(nn.Module):
    def __init__(self, image_size, attr_dim, conv_dim, fc_dim, n_layers, image_channels=3):
        super().__init__()
        self.conv, channels = nn.ModuleList(), image_channels
        for i in range(n_layers):
            width = conv_dim * 2**i
            self.conv.append(
                nn.Sequential(
                    nn.Conv2d(channels, width, 4, 2, 1), nn.InstanceNorm2d(width, affine=True, track_running_stats=True), nn.LeakyReLU(0.2)
                )
            )
            channels = width
        inputs = channels * (image_size // 2**n_layers) ** 2
        self.fc_adv = nn.Sequential(nn.Linear(inputs, fc_dim), nn.LeakyReLU(0.2), nn.Linear(fc_dim, 1))
        self.fc_att = nn.Sequential(nn.Linear(inputs, fc_dim), nn.LeakyReLU(0.2), nn.Linear(fc_dim, attr_dim))

    def forward(self, x):
        for layer in self.conv:
            x = layer(x)
        return self.fc_adv(x.flatten(1)), self.fc_att(x.flatten(1))


def tracked(channels):
    return nn.InstanceNorm2d(channels, affine=True, track_running_stats=True)


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            tracked(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            tracked(channels),
        )

    def forward(self, x):
        return x + self.main(x)


class StarGanGenerator(nn.Module):
    def __init__(self, conv_dim, c_dim, repeat_num, image_channels=3):
        super().__init__()
        parts = [nn.Conv2d(image_channels + c_dim, conv_dim, 7, 1, 3, bias=False), tracked(conv_dim), nn.ReLU()]
        width = conv_dim
        for _ in range(2):
            parts += [nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), tracked(2 * width), nn.ReLU()]
            width *= 2
        parts += [Residual(width) for _ in range(repeat_num)]
        for _ in range(2):
            parts += [nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False), tracked(width // 2), nn.ReLU()]
            width //= 2
        self.main = nn.Sequential(*parts, nn.Conv2d(width, image_channels, 7, 1, 3, bias=False), nn.Tanh())

    def forward(self, x, c):
        return self.main(torch.cat([x, tiled(c, x)], 1))


class StarGanDiscriminator(nn.Module):
    def __init__(self, image_size, conv_dim, c_dim, repeat_num, image_channels=3):
        super().__init__()
        parts, channels, width = [], image_channels, conv_dim
        for _ in range(repeat_num):
            parts += [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.01)]
            channels, width = width, 2 * width
        self.main = nn.Sequential(*parts)
        self.conv1 = nn.Conv2d(channels, 1, 3, 1, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, c_dim, image_size // 2**repeat_num, bias=False)

    def forward(self, x):
        h = self.main(x)
        return self.conv1(h), self.conv2(h).flatten(1)


class BasicBlock(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1 or inputs != channels:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(out + (x if self.downsample is None else self.downsample(x)))


class Resnet(nn.Module):
    def __init__(self, blocks, with_fc):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for index, (count, channels) in enumerate(zip(blocks, (64, 128, 256, 512), strict=False)):
            layer = [BasicBlock(inputs, channels, 1 if index == 0 else 2)] + [BasicBlock(channels, channels, 1) for _ in range(count - 1)]
            self.add_module(f"layer{index + 1}", nn.Sequential(*layer))
            inputs = channels
        if with_fc:
            self.fc = nn.Linear(512, 1000)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        feat8 = self.layer2(self.layer1(x))
        feat16 = self.layer3(feat8)
        return feat8, feat16, self.layer4(feat16)


class ConvNormRelu(nn.Module):
    """Keys conv and bn (zllrunning), or conv and norm (yakhyo)."""

    def __init__(self, inputs, outputs, kernel, padding, norm):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, 1, padding, bias=False)
        self.add_module(norm, nn.BatchNorm2d(outputs))
        self.norm_name = norm

    def forward(self, x):
        return torch.relu(getattr(self, self.norm_name)(self.conv(x)))


class Attention(nn.Module):
    def __init__(self, inputs, outputs, yakhyo):
        super().__init__()
        self.yakhyo = yakhyo
        if yakhyo:
            self.conv_block = ConvNormRelu(inputs, outputs, 3, 1, "norm")
            self.attention = nn.Sequential(nn.Conv2d(outputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        else:
            self.conv = ConvNormRelu(inputs, outputs, 3, 1, "bn")
            self.conv_atten = nn.Conv2d(outputs, outputs, 1, bias=False)
            self.bn_atten = nn.BatchNorm2d(outputs)

    def forward(self, x):
        feature = self.conv_block(x) if self.yakhyo else self.conv(x)
        pooled = feature.mean((2, 3), keepdim=True)
        scale = self.attention(pooled) if self.yakhyo else self.bn_atten(self.conv_atten(pooled))
        return feature * scale.sigmoid()


class ContextPath(nn.Module):
    def __init__(self, blocks, yakhyo):
        super().__init__()
        norm = "norm" if yakhyo else "bn"
        self.add_module("backbone" if yakhyo else "resnet", Resnet(blocks, with_fc=yakhyo))
        self.yakhyo = yakhyo
        self.arm16 = Attention(256, 128, yakhyo)
        self.arm32 = Attention(512, 128, yakhyo)
        self.conv_head32 = ConvNormRelu(128, 128, 3, 1, norm)
        self.conv_head16 = ConvNormRelu(128, 128, 3, 1, norm)
        self.conv_avg = ConvNormRelu(512, 128, 1, 0, norm)

    def forward(self, x):
        feat8, feat16, feat32 = (self.backbone if self.yakhyo else self.resnet)(x)
        nearest = nn.functional.interpolate
        average = nearest(self.conv_avg(feat32.mean((2, 3), keepdim=True)), feat32.shape[2:], mode="nearest")
        cp16 = self.conv_head32(nearest(self.arm32(feat32) + average, feat16.shape[2:], mode="nearest"))
        cp8 = self.conv_head16(nearest(self.arm16(feat16) + cp16, feat8.shape[2:], mode="nearest"))
        return feat8, cp8, cp16


class Fusion(nn.Module):
    def __init__(self, yakhyo):
        super().__init__()
        self.yakhyo = yakhyo
        self.add_module("conv_block" if yakhyo else "convblk", ConvNormRelu(256, 256, 1, 0, "norm" if yakhyo else "bn"))
        self.conv1 = nn.Conv2d(256, 64, 1, bias=False)
        self.conv2 = nn.Conv2d(64, 256, 1, bias=False)

    def forward(self, feat8, cp8):
        feature = (self.conv_block if self.yakhyo else self.convblk)(torch.cat([feat8, cp8], 1))
        scale = self.conv2(torch.relu(self.conv1(feature.mean((2, 3), keepdim=True)))).sigmoid()
        return feature * scale + feature


class Head(nn.Module):
    def __init__(self, inputs, middle, classes, yakhyo):
        super().__init__()
        self.yakhyo = yakhyo
        if yakhyo:
            self.conv_block = ConvNormRelu(inputs, middle, 3, 1, "norm")
            self.conv = nn.Conv2d(middle, classes, 1, bias=False)
        else:
            self.conv = ConvNormRelu(inputs, middle, 3, 1, "bn")
            self.conv_out = nn.Conv2d(middle, classes, 1, bias=False)

    def forward(self, x):
        return self.conv(self.conv_block(x)) if self.yakhyo else self.conv_out(self.conv(x))


class BiSeNet(nn.Module):
    def __init__(self, classes=19, blocks=(2, 2, 2, 2), yakhyo=False):
        super().__init__()
        self.add_module("fpn" if yakhyo else "cp", ContextPath(blocks, yakhyo))
        self.yakhyo = yakhyo
        self.ffm = Fusion(yakhyo)
        self.conv_out = Head(256, 256, classes, yakhyo)
        self.conv_out16 = Head(128, 64, classes, yakhyo)
        self.conv_out32 = Head(128, 64, classes, yakhyo)

    def forward(self, x):
        feat8, cp8, cp16 = (self.fpn if self.yakhyo else self.cp)(x)
        heads = [self.conv_out(self.ffm(feat8, cp8)), self.conv_out16(cp8), self.conv_out32(cp16)]
        return [nn.functional.interpolate(head, x.shape[2:], mode="bilinear", align_corners=True) for head in heads]


def shaken(network, seed=0):
    """Weights, biases and statistics that are neither zeros nor ones, so that no swap goes unseen."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if not tensor.is_floating_point():
                continue
            noise = torch.rand(tensor.shape, generator=generator)
            if name.endswith("running_var"):
                tensor.copy_(0.5 + noise)
            elif tensor.dim() > 1 and tensor.shape[0] > 1:
                tensor.copy_((noise - 0.5) * 3 / tensor[0].numel() ** 0.5)
            else:
                tensor.add_(0.4 * (noise - 0.5))
    return network


def inception_v3(state, x):
    """The FID Inception v3 as a function of its state: x in [-1, 1] -> the maps of its four blocks."""
    f = nn.functional

    def conv(name, x, stride=1, padding=(0, 0)):
        x = f.conv2d(x, state[name + ".conv.weight"], None, stride, padding)
        norm = (state[f"{name}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return torch.relu(f.batch_norm(x, *norm, eps=1e-3))

    def chain(block, x, *steps):
        """Steps are (name, padding) or (name, padding, stride)."""
        for name, padding, *stride in steps:
            x = conv(f"{block}.{name}", x, *stride or [1], padding)
        return x

    def average(x):
        return f.avg_pool2d(x, 3, 1, 1, count_include_pad=False)

    def halved(x):
        return f.max_pool2d(x, 3, 2)

    def a(block, x):
        small = chain(block, x, ("branch5x5_1", (0, 0)), ("branch5x5_2", (2, 2)))
        double = chain(block, x, ("branch3x3dbl_1", (0, 0)), ("branch3x3dbl_2", (1, 1)), ("branch3x3dbl_3", (1, 1)))
        return torch.cat([conv(block + ".branch1x1", x), small, double, conv(block + ".branch_pool", average(x))], 1)

    def b(block, x):
        double = chain(block, x, ("branch3x3dbl_1", (0, 0)), ("branch3x3dbl_2", (1, 1)), ("branch3x3dbl_3", (0, 0), 2))
        return torch.cat([conv(block + ".branch3x3", x, 2), double, halved(x)], 1)

    def c(block, x):
        wide, tall = (0, 3), (3, 0)
        single = chain(block, x, ("branch7x7_1", (0, 0)), ("branch7x7_2", wide), ("branch7x7_3", tall))
        double = chain(block, x, ("branch7x7dbl_1", (0, 0)), *((f"branch7x7dbl_{i}", tall if i % 2 == 0 else wide) for i in range(2, 6)))
        return torch.cat([conv(block + ".branch1x1", x), single, double, conv(block + ".branch_pool", average(x))], 1)

    def d(block, x):
        small = chain(block, x, ("branch3x3_1", (0, 0)), ("branch3x3_2", (0, 0), 2))
        large = chain(
            block, x, ("branch7x7x3_1", (0, 0)), ("branch7x7x3_2", (0, 3)), ("branch7x7x3_3", (3, 0)), ("branch7x7x3_4", (0, 0), 2)
        )
        return torch.cat([small, large, halved(x)], 1)

    def e(block, x, pool):
        small = conv(block + ".branch3x3_1", x)
        double = chain(block, x, ("branch3x3dbl_1", (0, 0)), ("branch3x3dbl_2", (1, 1)))
        split = [
            conv(f"{block}.{name}", z, 1, padding)
            for z, names in ((small, ("branch3x3_2a", "branch3x3_2b")), (double, ("branch3x3dbl_3a", "branch3x3dbl_3b")))
            for name, padding in zip(names, ((0, 1), (1, 0)), strict=False)
        ]
        return torch.cat([conv(block + ".branch1x1", x), *split, conv(block + ".branch_pool", pool(x))], 1)

    x = halved(conv("Conv2d_2b_3x3", conv("Conv2d_2a_3x3", conv("Conv2d_1a_3x3", x, 2)), 1, (1, 1)))
    maps = [x]
    maps.append(halved(conv("Conv2d_4a_3x3", conv("Conv2d_3b_1x1", x))))
    x = b("Mixed_6a", a("Mixed_5d", a("Mixed_5c", a("Mixed_5b", maps[-1]))))
    for block in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
        x = c(block, x)
    maps.append(x)
    maps.append(e("Mixed_7c", e("Mixed_7b", d("Mixed_7a", x), average), lambda x: f.max_pool2d(x, 3, 1, 1)))
    return maps


def resnet50(state, x):
    """torchvision's ResNet-50 without its classifier, as a function of its state: x -> pooled features [N, 2048]."""
    f = nn.functional

    def norm(name, x):
        return f.batch_norm(x, *(state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")))

    x = f.max_pool2d(torch.relu(norm("bn1", f.conv2d(x, state["conv1.weight"], None, 2, 3))), 3, 2, 1)
    for layer, count in enumerate((3, 4, 6, 3), 1):
        for i in range(count):
            block, stride = f"layer{layer}.{i}", 2 if i == 0 and layer > 1 else 1
            z = torch.relu(norm(block + ".bn1", f.conv2d(x, state[block + ".conv1.weight"])))
            z = torch.relu(norm(block + ".bn2", f.conv2d(z, state[block + ".conv2.weight"], None, stride, 1)))
            z = norm(block + ".bn3", f.conv2d(z, state[block + ".conv3.weight"]))
            if i == 0:
                x = norm(block + ".downsample.1", f.conv2d(x, state[block + ".downsample.0.weight"], None, stride))
            x = torch.relu(x + z)
    return x.mean((2, 3))
