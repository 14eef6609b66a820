"""Finding faces: how many of those that are there, how far the eyes are off, and how long a photo of 2 megapixels takes.

    python benchmarks/faces.py --celeba FOLDER [--pairs FOLDER] [--photos 100] [--faces 6] [--threads 2] [--seed 1]

FOLDER holds CelebA's aligned photos (img_align_celeba), of full or half size. They are pasted into drawn photos of 1632 x 1224 pixels,
turned by up to 30 degrees, with faces of 40 to 240 pixels (two and a quarter eye distances). Where a single photo has its eyes is known
to some hundredths of their distance only, so eye centers are held against two places: where aligned photos have them (the median error,
and that of the mean over all photos, where each photo's own deviation cancels out), and where they are found in the aligned photo
itself, before it is scaled and turned, which tells what the search loses. --pairs names CelebAMask-HQ's photos with their masks
(NAME.png, NAME_mask.png), in which the eyes are drawn: their centers are truth for each photo.
"""

import argparse
import math
import pathlib
import statistics
import time

import numpy as np
import torch
from PIL import Image, ImageDraw

import secgan

# Of 178 x 218 pixels.
EYES = np.array([[69.5, 111.2], [107.9, 111.2]])
WIDTH, HEIGHT = 1632, 1224
SMALLEST, LARGEST = 40, 240
FACE_IN_EYE_DISTANCES = 2.25
LEFT_EYE, RIGHT_EYE = 4, 5  # CelebAMask-HQ's classes, of the person


def drawn_wall(random):
    """Patches of color, lines and grain."""
    photo = Image.new("RGB", (WIDTH, HEIGHT), tuple(random.integers(40, 200, 3).tolist()))
    pen = ImageDraw.Draw(photo)
    for _ in range(40):
        x, y, w, h = random.integers(0, (WIDTH, HEIGHT, 500, 400)).tolist()
        shape = pen.rectangle if random.random() < 0.6 else pen.ellipse
        shape((x, y, x + w + 5, y + h + 5), fill=tuple(random.integers(20, 235, 3).tolist()))
        pen.line((x, y, *random.integers(0, (WIDTH, HEIGHT)).tolist()), fill=tuple(random.integers(0, 255, 3).tolist()), width=3)
    grain = random.normal(0, 6, (HEIGHT, WIDTH, 1))
    return Image.fromarray((np.asarray(photo) + grain).clip(0, 255).astype(np.uint8))


def paste(photo, face, box, random):
    """One face, scaled and turned, within the box of the photo.

    Returns a function from points of the face's photo to this one, its size, and its turn.
    """
    left, top, right, bottom = box
    distance = (EYES[1, 0] - EYES[0, 0]) * face.width / 178
    room = min((right - left) / face.width, (bottom - top) / face.height) / 1.45  # its diagonal fits
    scale = min(math.exp(random.uniform(math.log(SMALLEST), math.log(LARGEST))) / (FACE_IN_EYE_DISTANCES * distance), room)
    angle = random.uniform(-30, 30)
    radians = math.radians(angle)
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    turn = scale * np.array([[math.cos(radians), -math.sin(radians)], [math.sin(radians), math.cos(radians)]])
    center = np.array([face.width, face.height]) / 2
    back = np.linalg.inv(turn)
    shift = center - back @ middle
    coefficients = (*back[0], shift[0], *back[1], shift[1])
    # Reduced by the filter that the transform lacks.
    patch = face.transform(photo.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)
    mask = Image.new("L", face.size, 255).transform(photo.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    photo.paste(patch, (0, 0), mask)
    return lambda points: (points + 0.5 - center) @ turn.T + middle - 0.5, FACE_IN_EYE_DISTANCES * distance * scale, radians


def nearest(found, eyes):
    """The face whose middle of the eyes is nearest, if that lies within three quarters of an eye distance."""
    distance = np.linalg.norm(eyes[1] - eyes[0])
    errors = [(np.linalg.norm(np.mean(face.points[:2], axis=0) - eyes.mean(0)) / distance, face) for face in found]
    best = min(errors, key=lambda one: one[0], default=(math.inf, None))
    return best[1] if best[0] < 0.75 else None


def pasted(args, random):
    files = sorted(pathlib.Path(args.celeba).glob("*.jpg"))
    if not files:
        raise SystemExit(f"{args.celeba}: no .jpg in it")
    chosen = random.permutation(len(files))[: args.photos * args.faces]
    across = math.ceil(args.faces / 2)
    there = hits = others = 0
    seconds, offsets, lost, missed = [], [], [], []
    for begin in range(0, len(chosen), args.faces):
        photo, truths = drawn_wall(random), []
        for place, index in enumerate(chosen[begin : begin + args.faces]):
            column, row = place % across, place // across
            box = (column * WIDTH // across, row * HEIGHT // 2, (column + 1) * WIDTH // across, (row + 1) * HEIGHT // 2)
            face = Image.open(files[index]).convert("RGB")
            moved, size, radians = paste(photo, face, box, random)
            aligned = (EYES + 0.5) * (face.width / 178) - 0.5
            own = nearest(secgan.find_faces(face), aligned)
            truths.append((files[index].name, moved(aligned), own and moved(np.array(own.points[:2])), size, radians))
        tensor = secgan.read_image(photo)
        start = time.perf_counter()
        found = secgan.find_faces(tensor)
        seconds.append(time.perf_counter() - start)
        used = []
        for name, eyes, own, size, radians in truths:
            there += 1
            face = nearest(found, eyes)
            if face is None:
                missed.append((name, round(size)))
                continue
            hits += 1
            used.append(face)
            # In eye distances, along the eyes and across.
            off = (np.array(face.points[:2]) - eyes) / np.linalg.norm(eyes[1] - eyes[0])
            c, s = math.cos(radians), math.sin(radians)
            offsets.append(off @ np.array([[c, -s], [s, c]]))
            if own is not None:
                lost.extend(np.linalg.norm(np.array(face.points[:2]) - own, axis=1) / np.linalg.norm(own[1] - own[0]))
        others += len(found) - len(used)
    errors = np.linalg.norm(np.array(offsets), axis=2)
    print(f"{there} faces of {SMALLEST} to {LARGEST} pixels: recall {hits / there:.4f}, {others} found beside them")
    print(f"missed: {missed or 'none'}")
    left, right = np.array(offsets).mean(0)
    print(
        f"eye centers: median error {np.median(errors):.3f} of the eye distance, {np.mean(errors < 0.05):.0%} below 0.05; "
        f"of the mean {np.linalg.norm(left):.3f} and {np.linalg.norm(right):.3f}"
    )
    near = np.mean(np.array(lost) < 0.05)
    print(f"from where they are found in the aligned photo: median {np.median(lost):.3f}, {near:.0%} below 0.05 ({len(lost)} eyes)")
    print(f"{WIDTH} x {HEIGHT}, {torch.get_num_threads()} threads: median {statistics.median(seconds):.2f} s, most {max(seconds):.2f} s")


def pairs(folder):
    for file in sorted(pathlib.Path(folder).glob("*_mask.png")):
        photo = Image.open(file.with_name(file.name.replace("_mask", ""))).convert("RGB")
        mask = np.asarray(Image.open(file))
        scale = photo.width / mask.shape[1]
        eyes = []
        for number in (LEFT_EYE, RIGHT_EYE):
            y, x = np.nonzero(mask == number)
            eyes.append(((x.mean() + 0.5) * scale - 0.5, (y.mean() + 0.5) * scale - 0.5) if x.size else (math.nan, math.nan))
        eyes = np.array(sorted(eyes))
        face = nearest(secgan.find_faces(photo), eyes)
        if face is None:
            print(f"{file.name}: not found")
            continue
        errors = np.linalg.norm(np.array(face.points[:2]) - eyes, axis=1) / np.linalg.norm(eyes[1] - eyes[0])
        print(f"{file.name}: {photo.width} x {photo.height}, score {face.score:.4f}, eyes off by {errors[0]:.3f} and {errors[1]:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--celeba", required=True)
    parser.add_argument("--pairs", default="")
    for name, default in (("photos", 100), ("faces", 6), ("threads", 2), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    pasted(args, np.random.default_rng(args.seed))
    if args.pairs:
        pairs(args.pairs)


if __name__ == "__main__":
    main()
