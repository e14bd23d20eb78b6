using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Weights => _directory["model.safetensors"];

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Open_EveryFormat_HoldsTheSameValues(bool tied, bool gated)
    {
        var config = TinyModel.Config(tied, gated);
        TinyModel.Write(_directory.Path, config);
        AssertOpens();
        File.Delete(Weights);
        TinyModel.WriteSharded(_directory.Path, config);
        AssertOpens();
        foreach (var file in Directory.EnumerateFiles(_directory.Path, "model*")) File.Delete(file);
        File.WriteAllBytes(_directory["pytorch_model.bin"], TorchFile.Archive(config));
        AssertOpens();
        File.WriteAllBytes(_directory["pytorch_model.bin"], TorchFile.Legacy(config));
        AssertOpens();
    }

    [Fact]
    public void Open_ShardedPyTorchFiles_HoldsTheValues()
    {
        var config = TinyModel.Config();
        config.Save(_directory.Path);
        var tensors = T5Layout.Enumerate(config).ToList();
        var map = new JsonObject();
        for (var shard = 0; shard < 3; shard++)
        {
            var part = tensors.Where((_, i) => i % 3 == shard).ToList();
            File.WriteAllBytes(
                _directory[$"pytorch_model-{shard}.bin"], TorchFile.Archive(TorchFile.Pickle(part), TorchFile.Storages(part)));
            foreach (var tensor in part) map[tensor.Name] = $"pytorch_model-{shard}.bin";
        }

        File.WriteAllText(_directory["pytorch_model.bin.index.json"], new JsonObject { ["weight_map"] = map }.ToJsonString());
        AssertOpens();
    }

    [Fact]
    public void Open_SeveralFormsOfWeights_ReadsTheFirstAndNamesTheOthers()
    {
        var config = TinyModel.Config();
        TinyModel.WriteSharded(_directory.Path, config);
        using (var sharded = Checkpoint.Open(_directory.Path))
        {
            Assert.Equal(
                [_directory["model-00001-of-00002.safetensors"], _directory["model-00002-of-00002.safetensors"]], sharded.Files);
            Assert.Empty(sharded.Notes);
        }

        TinyModel.Write(_directory.Path, config);
        File.WriteAllBytes(_directory["pytorch_model.bin"], TorchFile.Archive(config));
        File.WriteAllText(_directory["training_args.bin"], "");
        using var whole = Checkpoint.Open(_directory.Path);
        Assert.Equal([Weights], whole.Files);
        Assert.Equal(
            $"{_directory.Path}: not used, for the weights are read from model.safetensors: model-00001-of-00002.safetensors, "
            + "model-00002-of-00002.safetensors, model.safetensors.index.json, pytorch_model.bin",
            Assert.Single(whole.Notes));
    }

    [Fact]
    public void Open_TransposedAndSharedStorages_ReadsInRowMajorOrder()
    {
        // All weights in one storage, and shared.weight stored column by column.
        var config = TinyModel.Config();
        config.Save(_directory.Path);
        var tensors = T5Layout.Enumerate(config).ToList();
        var total = tensors.Sum(t => t.ElementCount);
        var storage = new List<float>();
        var pickle = new PickleBuilder().Protocol().Op('}').Op('(');
        foreach (var tensor in tensors)
        {
            var values = TinyModel.Values(tensor);
            var transposed = tensor.Name == T5TensorNames.Shared;
            pickle.Text(tensor.Name)
                .Tensor("0", total, storage.Count, tensor.Shape, transposed ? [1, tensor.Shape[0]] : PickleBuilder.RowMajor(tensor.Shape));
            var (rows, columns) = ((int)tensor.Shape[0], (int)(tensor.ElementCount / tensor.Shape[0]));
            storage.AddRange(transposed ? Enumerable.Range(0, values.Length).Select(i => values[i % rows * columns + i / rows]) : values);
        }

        var bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(storage.ToArray()).ToArray();
        File.WriteAllBytes(_directory["pytorch_model.bin"], TorchFile.Archive(pickle.Op('u').Op('.').ToArray(), [bytes]));
        AssertOpens();
        using var checkpoint = Checkpoint.Open(_directory.Path);
        Assert.False(checkpoint.Tensors.TryGetBytes(T5TensorNames.Shared, out _));
        Assert.True(checkpoint.Tensors.TryGetBytes(T5TensorNames.FinalNorm(decoder: true), out _));
        var part = new float[7];
        checkpoint.Tensors.ReadFloat32(T5TensorNames.Shared, part, offset: 5);
        Assert.Equal(TinyModel.Values(tensors[0])[5..12], part);
    }

    [Theory]
    [InlineData("encoder.embed_tokens.weight")]
    [InlineData("decoder.embed_tokens.weight")]
    [InlineData("lm_head.weight")]
    public void Open_TiedEmbeddingUnderAnotherName_IsFound(string name)
    {
        var config = TinyModel.Config();
        config.Save(_directory.Path);
        var tensors = T5Layout.Enumerate(config).Select(t => t.Name == "shared.weight" ? t with { Name = name } : t).ToList();
        TinyModel.WriteSafetensors(Weights, tensors);
        using var checkpoint = Checkpoint.Open(_directory.Path);
        Assert.Equal(T5Layout.Enumerate(config).Select(t => t.Name).Order(), checkpoint.Tensors.Tensors.Keys.Order());
        var found = new float[120];
        checkpoint.Tensors.ReadFloat32("shared.weight", found);
        Assert.Equal(TinyModel.Values(tensors[0]), found);
        Assert.Empty(checkpoint.Notes);
    }

    [Fact]
    public void Open_UntiedWithoutShared_TakesTheEmbeddingAndNotTheHead()
    {
        var config = TinyModel.Config(tied: false);
        config.Save(_directory.Path);
        var tensors = T5Layout.Enumerate(config)
            .Select(t => t.Name == "shared.weight" ? t with { Name = "decoder.embed_tokens.weight" } : t).ToList();
        TinyModel.WriteSafetensors(Weights, tensors);
        using var checkpoint = Checkpoint.Open(_directory.Path);
        var found = new float[120];
        checkpoint.Tensors.ReadFloat32("shared.weight", found);
        Assert.Equal(TinyModel.Values(tensors[0]), found);
    }

    [Fact]
    public void Open_ExtraKeysOfOldFiles_AreLeftOut()
    {
        var config = TinyModel.Config();
        config.Save(_directory.Path);
        TinyModel.WriteSafetensors(Weights,
        [
            .. T5Layout.Enumerate(config),
            new TensorInfo("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight", TensorType.Float32, [4, 2]),
            new TensorInfo("encoder.block.0.layer.0.layer_norm.bias", TensorType.Float32, [6]),
            new TensorInfo("classification_head.out.weight", TensorType.Float32, [2, 6]),
        ]);
        using var checkpoint = Checkpoint.Open(_directory.Path);
        Assert.Equal(T5Layout.Enumerate(config).Select(t => t.Name).Order(), checkpoint.Tensors.Tensors.Keys.Order());
        Assert.Equal(3, checkpoint.Notes.Count);
        Assert.Contains(checkpoint.Notes, n => n.Contains("EncDecAttention", StringComparison.Ordinal));
    }

    [Fact]
    public void Open_DeeperModelThanTheConfiguration_IsRefused()
    {
        var config = TinyModel.Config();
        TinyModel.Write(_directory.Path, config);
        (config with { NumDecoderLayers = 1 }).Save(_directory.Path);
        Assert.Contains("decoder.block.1", Hostile.AssertRefused(_directory.Path, "deeper"));
    }

    [Fact]
    public void Open_CacheOfDownloads_FollowsItsLinks()
    {
        var snapshot = Directory.CreateDirectory(_directory["models--x/snapshots/abc"]).FullName;
        var blobs = Directory.CreateDirectory(_directory["models--x/blobs"]).FullName;
        TinyModel.Write(blobs, TinyModel.Config());
        foreach (var name in (string[])["config.json", "model.safetensors"])
            File.CreateSymbolicLink(Path.Combine(snapshot, name), Path.Combine("..", "..", "blobs", name));
        using var checkpoint = Checkpoint.Open(snapshot);
        TinyModel.AssertHolds(checkpoint);
    }

    [Fact]
    public void Open_NothingThere_SaysWhatIsMissing()
    {
        Assert.Contains("no such directory", Assert.Throws<InputException>(() => Checkpoint.Open(_directory["none"])).Message);
        Assert.Contains("config.json", Assert.Throws<InputException>(() => Checkpoint.Open(_directory.Path)).Message);
        TinyModel.Config().Save(_directory.Path);
        Assert.Contains("no weights", Assert.Throws<InputException>(() => Checkpoint.Open(_directory.Path)).Message);
        File.WriteAllText(_directory["tf_model.h5"], "x");
        Assert.Contains("tf_model.h5", Assert.Throws<InputException>(() => Checkpoint.Open(_directory.Path)).Message);
    }

    [Theory]
    [InlineData(TensorType.Float32)]
    [InlineData(TensorType.Float16)]
    [InlineData(TensorType.BFloat16)]
    public void Save_AnyCheckpoint_KeepsEveryBitAndUnknownKeys(TensorType type)
    {
        TinyModel.Write(_directory.Path, TinyModel.Config(tied: false, gated: true), type);
        var config = JsonNode.Parse(File.ReadAllText(_directory["config.json"]))!.AsObject();
        config["task_specific_params"] = new JsonObject { ["summarization"] = new JsonObject { ["prefix"] = "summarize: " } };
        config["n_positions"] = 512;
        File.WriteAllText(_directory["config.json"], config.ToJsonString());
        File.WriteAllText(_directory["generation_config.json"], "{\"num_beams\":4}");
        File.WriteAllText(_directory["spiece.model"], "pieces");

        var once = Directory.CreateDirectory(_directory["once"]).FullName;
        var twice = Directory.CreateDirectory(_directory["twice"]).FullName;
        using (var checkpoint = Checkpoint.Open(_directory.Path)) CheckpointFiles.Save(checkpoint, once);
        using (var checkpoint = Checkpoint.Open(once)) CheckpointFiles.Save(checkpoint, twice);
        foreach (var name in (string[])["model.safetensors", "config.json", "generation_config.json", "spiece.model"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(once, name)), File.ReadAllBytes(Path.Combine(twice, name)));

        using var first = Checkpoint.Open(_directory.Path);
        using var last = Checkpoint.Open(twice);
        Assert.Equal(first.Config, last.Config);
        foreach (var tensor in first.Tensors.Tensors.Values)
        {
            Assert.True(
                first.Tensors.TryGetBytes(tensor.Name, out var a) && last.Tensors.TryGetBytes(tensor.Name, out var b) && a.SequenceEqual(b),
                tensor.Name);
            Assert.Equal(type, last.Tensors.Tensors[tensor.Name].Type);
        }

        var saved = JsonNode.Parse(File.ReadAllText(Path.Combine(twice, "config.json")))!;
        Assert.Equal("summarize: ", (string?)saved["task_specific_params"]!["summarization"]!["prefix"]);
        Assert.Equal(512, (int)saved["n_positions"]!);
        Assert.Equal(
            type switch { TensorType.Float16 => "float16", TensorType.BFloat16 => "bfloat16", _ => "float32" },
            (string?)saved["torch_dtype"]);
        Assert.Equal(4, (int)JsonNode.Parse(File.ReadAllText(Path.Combine(twice, "generation_config.json")))!["num_beams"]!);
    }

    public void Dispose() => _directory.Dispose();

    private void AssertOpens()
    {
        using var checkpoint = Checkpoint.Open(_directory.Path);
        TinyModel.AssertHolds(checkpoint);
    }
}
