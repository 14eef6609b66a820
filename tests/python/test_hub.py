"""Bundles on the Hugging Face Hub, with a stand-in for huggingface_hub."""

import pathlib
import shutil
import sys
import types

import pytest
import torch

import secgan


class Hub(types.ModuleType):
    """Repositories are folders; what is asked for is kept."""

    def __init__(self, root):
        super().__init__("huggingface_hub")
        self.root, self.asked = root, []

    def snapshot_download(self, repo_id, *, revision=None, allow_patterns=None):
        self.asked.append(("snapshot_download", repo_id, revision, allow_patterns))
        if not (self.root / repo_id).exists():
            raise RuntimeError("404 Client Error.\nRepository not found")
        cached = self.root / "cache"
        shutil.copytree(self.root / repo_id, cached, ignore=lambda _, names: [n for n in names if n not in allow_patterns])
        return str(cached)

    def hf_hub_download(self, repo_id, filename, *, token=None):
        return str(self.root / repo_id / filename)

    def HfApi(self, token=None):  # noqa: N802
        hub = self

        class Api:
            def create_repo(self, repo_id, *, private=None, exist_ok=False):
                hub.asked.append(("create_repo", repo_id, private, exist_ok, token))
                (hub.root / repo_id).mkdir(parents=True, exist_ok=exist_ok)

            def file_exists(self, repo_id, filename):
                return (hub.root / repo_id / filename).exists()

            def upload_folder(self, *, repo_id, folder_path, commit_message, ignore_patterns):
                for file in pathlib.Path(folder_path).iterdir():
                    if file.name not in ignore_patterns:
                        shutil.copy(file, hub.root / repo_id)
                return types.SimpleNamespace(commit_url=f"https://huggingface.co/{repo_id}/commit/1")

        return Api()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    hub = Hub(tmp_path / "hub")
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    monkeypatch.chdir(tmp_path)
    return hub


def test_a_bundle_goes_to_the_hub_and_comes_back(bundle, hub):
    editor = secgan.Editor.from_pretrained(bundle)
    assert editor.push_to_hub("me/faces", private=True, token="secret") == "https://huggingface.co/me/faces/commit/1"
    assert hub.asked == [("create_repo", "me/faces", True, True, "secret")]
    assert sorted(file.name for file in (hub.root / "me/faces").iterdir()) == ["README.md", "config.json", "model.safetensors"]
    again = secgan.Editor.from_pretrained("me/faces", revision="v1")
    assert hub.asked[1:] == [("snapshot_download", "me/faces", "v1", ["config.json", "model.safetensors"])]
    photo = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
    assert torch.equal(editor.edit(photo, Bald=1, source=[]).photo, again.edit(photo, Bald=1, source=[]).photo)


def test_a_card_of_ones_own_stays_on_the_hub(bundle, hub):
    editor = secgan.Editor.from_pretrained(bundle)
    card = hub.root / "me/faces/README.md"
    editor.push_to_hub("me/faces")
    assert card.read_text().startswith("---\nlibrary_name: secgan\n")
    card.write_text("outdated " + secgan._core.own_card)
    editor.push_to_hub("me/faces")
    assert card.read_text().startswith("---")
    card.write_text("my own words")
    editor.push_to_hub("me/faces")
    assert card.read_text() == "my own words"


def test_a_folder_comes_before_a_repository_of_its_name(bundle, hub, tmp_path):
    shutil.copytree(bundle, tmp_path / "me" / "faces")
    secgan.Editor.from_pretrained("me/faces")
    assert hub.asked == []
    with pytest.raises(ValueError, match="revision is of a repository on the Hub, found 'v1' for the folder 'me/faces'"):
        secgan.Editor.from_pretrained("me/faces", revision="v1")


def test_what_is_neither_folder_nor_repository_is_missing(hub, monkeypatch):
    with pytest.raises(FileNotFoundError, match="'me/faces' is no folder here, .* cannot be fetched: 404 Client Error.$"):
        secgan.Editor.from_pretrained("me/faces")
    hub.asked.clear()
    for name in ("nosuch", "a/b/c", "/nosuch/bundle", "../nosuch"):
        with pytest.raises(FileNotFoundError, match="is missing"):
            secgan.Editor.from_pretrained(name)
    assert hub.asked == []
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(FileNotFoundError, match="pip install huggingface_hub"):
        secgan.Editor.from_pretrained("me/faces")
