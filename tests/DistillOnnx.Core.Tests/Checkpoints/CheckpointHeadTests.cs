using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Checkpoints;

/// <summary>Which matrix gives logits and whether its input is scaled, for every way in which files say so.</summary>
public sealed class CheckpointHeadTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    // head: absent, equal to the embedding, or another. Own and scaled comes out as own and unscaled, the scale in its weights.
    [Theory]
    [InlineData("t5", true, null, "4.40.0", "absent", true, true, false)]
    [InlineData("t5", null, null, "4.40.0", "absent", true, true, false)]
    [InlineData("t5", false, null, "4.40.0", "other", false, false, false)]
    [InlineData("t5", false, null, "4.40.0", "equal", true, false, false)]
    [InlineData("t5", false, null, "4.40.0", "absent", true, false, false)]
    [InlineData("t5", true, null, "4.40.0", "other", false, false, true)]
    [InlineData("t5", true, true, "5.15.1", "absent", true, true, false)]
    [InlineData("t5", true, true, "5.15.1", "equal", true, true, false)]
    [InlineData("t5", true, false, "5.15.1", "other", false, false, false)]
    [InlineData("t5", true, false, "5.15.1", "absent", true, false, false)]
    [InlineData("t5", true, true, "5.15.1", "other", false, false, true)]
    [InlineData("t5", false, false, "5.15.1", "other", false, false, false)]
    [InlineData("t5", false, true, "5.15.1", "other", false, false, true)]
    [InlineData("mt5", null, null, "4.40.0", "other", false, false, false)]
    [InlineData("mt5", false, null, "4.40.0", "other", false, false, false)]
    [InlineData("mt5", true, null, "5.15.1", "other", false, false, false)]
    [InlineData("mt5", true, null, "4.40.0", "absent", true, true, false)]
    [InlineData("mt5", true, null, "5.15.1", "absent", true, false, false)]
    [InlineData("mt5", true, true, "5.18.0", "absent", true, true, false)]
    [InlineData("umt5", false, null, "4.40.0", "other", false, false, false)]
    [InlineData("umt5", null, null, "4.40.0", "absent", true, true, false)]
    [InlineData("umt5", true, null, "4.40.0", "other", false, false, false)]
    [InlineData("umt5", true, null, "5.12.1", "other", false, false, true)]
    [InlineData("umt5", true, null, "5.12.1", "absent", true, true, false)]
    public void Open_KeysAndTensors_GiveTheHead(
        string modelType, bool? tie, bool? scale, string version, string head, bool tied, bool scaled, bool folded)
    {
        Write(modelType, tie, scale, version, head);
        using var checkpoint = Checkpoint.Open(_directory.Path);
        Assert.Equal((tied, scaled), (checkpoint.Config.TieWordEmbeddings, checkpoint.Config.ScaleDecoderOutputs));
        Assert.Equal(!tied, checkpoint.Tensors.Tensors.ContainsKey("lm_head.weight"));
        if (tied) return;
        var expected = TinyModel.Values(new TensorInfo("lm_head.weight", TensorType.Float32, [20, 6]));
        var found = new float[expected.Length];
        checkpoint.Tensors.ReadFloat32("lm_head.weight", found);
        Assert.Equal(
            expected.Select(v => folded ? (float)(v / Math.Sqrt(6)) : v).Select(v => Math.Round(v, 6)),
            found.Select(v => Math.Round(v, 6)));
    }

    // transformers 4 knows tie_word_embeddings alone, and ties and scales by it; transformers 5 goes by the tensors and
    // scale_decoder_outputs.
    [Theory]
    [InlineData(true, true, "absent", true, true, false)]
    [InlineData(true, false, "absent", false, false, true)]
    [InlineData(true, false, "other", false, false, true)]
    [InlineData(true, true, "other", false, false, true)]
    public void Save_AnyHead_IsWrittenSoThatBothTransformersAgree(
        bool tie, bool scale, string head, bool savedTie, bool savedScale, bool savedHead)
    {
        Write("t5", tie, scale, "5.15.1", head);
        var saved = Directory.CreateDirectory(_directory["saved"]).FullName;
        using var first = Checkpoint.Open(_directory.Path);
        CheckpointFiles.Save(first, saved);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(saved, "config.json")))!;
        Assert.Equal((savedTie, savedScale), ((bool)config["tie_word_embeddings"]!, (bool)config["scale_decoder_outputs"]!));
        using (var file = SafetensorsFile.Open(Path.Combine(saved, "model.safetensors")))
            Assert.Equal(savedHead, file.Tensors.ContainsKey("lm_head.weight"));
        using var second = Checkpoint.Open(saved);
        Assert.Equal(first.Config, second.Config);
        Assert.Equal(first.Tensors.Tensors.Keys.Order(), second.Tensors.Tensors.Keys.Order());
    }

    [Theory]
    [InlineData("module.")]
    [InlineData("_orig_mod.")]
    [InlineData("model.")]
    [InlineData("module._orig_mod.model.")]
    public void Open_PrefixedNames_AreTheSameModelAndSaySo(string prefix)
    {
        var config = TinyModel.Config();
        config.Save(_directory.Path);
        var tensors = T5Layout.Enumerate(config).ToList();
        var named = tensors.Select(t => t with { Name = prefix + t.Name });
        using (var writer = SafetensorsWriter.Create(_directory["model.safetensors"], [.. named]))
        {
            foreach (var tensor in tensors) writer.Write(prefix + tensor.Name, TinyModel.Values(tensor));
            writer.Complete();
        }

        using var checkpoint = Checkpoint.Open(_directory.Path);
        TinyModel.AssertHolds(checkpoint);
        Assert.Contains(checkpoint.Notes, n => n.Contains($"\"{prefix}\"", StringComparison.Ordinal));
    }

    [Fact]
    public void Open_NamesThatCollideWithoutPrefixes_AreRefused()
    {
        var config = TinyModel.Config();
        config.Save(_directory.Path);
        TinyModel.WriteSafetensors(
            _directory["model.safetensors"],
            [.. T5Layout.Enumerate(config), new TensorInfo("module.shared.weight", TensorType.Float32, [20, 6])]);
        Assert.Contains("without the prefixes", Hostile.AssertRefused(_directory.Path, "collision"));
    }

    [Fact]
    public void Open_EmbeddingsThatDiffer_AreRefused()
    {
        var config = TinyModel.Config();
        config.Save(_directory.Path);
        TinyModel.WriteSafetensors(
            _directory["model.safetensors"],
            [.. T5Layout.Enumerate(config), new TensorInfo("encoder.embed_tokens.weight", TensorType.Float32, [20, 6])]);
        Assert.Contains("encoder.embed_tokens.weight", Hostile.AssertRefused(_directory.Path, "two embeddings"));
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "infinity")]
    [InlineData(float.NegativeInfinity, "infinity")]
    public void Open_WeightThatIsNoNumber_IsRefusedByName(float value, string word)
    {
        var config = TinyModel.Config();
        config.Save(_directory.Path);
        var tensors = T5Layout.Enumerate(config).ToList();
        using (var writer = SafetensorsWriter.Create(_directory["model.safetensors"], tensors))
        {
            foreach (var tensor in tensors)
            {
                var values = TinyModel.Values(tensor);
                if (tensor.Name == "encoder.final_layer_norm.weight") values[4] = value;
                writer.Write(tensor.Name, values);
            }

            writer.Complete();
        }

        var message = Hostile.AssertRefused(_directory.Path, word);
        Assert.Contains("encoder.final_layer_norm.weight", message);
        Assert.Contains(word, message);
        Assert.Contains("element 4", message);
    }

    [Theory]
    [InlineData("{\"num_beams\":4}", null, "\"num_beams\" (4) is not applied")]
    [InlineData("{\"some_new_key\":4}", null, "\"some_new_key\"")]
    [InlineData("{\"stop_strings\":[\"x\"]}", null, "\"stop_strings\" ([\"x\"]) is not applied")]
    [InlineData("{\"stop_strings\":[]}", null, null)]
    [InlineData("{\"quantization_config\":{\"bits\":8}}", null, "is not applied; the weights are used in the type that they are stored in")]
    [InlineData("{\"num_beams\":1,\"temperature\":0.7}", null, null)]
    [InlineData("{\"forced_bos_token_id\":5}", "forced_bos_token_id", null)]
    [InlineData("{\"suppress_tokens\":[3]}", "suppress_tokens", null)]
    [InlineData("{\"decoder_start_token_id\":2}", "decoder_start_token_id", null)]
    [InlineData("{\"eos_token_id\":[3]}", "without 1 of config.json", null)]
    [InlineData("{\"eos_token_id\":[1,30]}", "between 0 and 19, found 30", null)]
    [InlineData("{\"eos_token_id\":[1,3]}", null, null)]
    [InlineData("{\"eos_token_id\":[1]}", null, null)]
    public void Open_GenerationConfig_IsHonouredNamedOrRefused(string json, string? refusal, string? note)
    {
        TinyModel.Write(_directory.Path, TinyModel.Config());
        File.WriteAllText(_directory["generation_config.json"], json);
        if (refusal is not null)
        {
            Assert.Contains(refusal, Hostile.AssertRefused(_directory.Path, json));
            return;
        }

        using var checkpoint = Checkpoint.Open(_directory.Path);
        if (note is null) Assert.Empty(checkpoint.Notes);
        else Assert.Contains(note, Assert.Single(checkpoint.Notes));
    }

    [Fact]
    public void Open_SeveralEndTokensInGenerationConfig_AreTakenAndSavedInBothFiles()
    {
        TinyModel.Write(_directory.Path, TinyModel.Config());
        File.WriteAllText(_directory["generation_config.json"], "{\"eos_token_id\":[3,1]}");
        using var checkpoint = Checkpoint.Open(_directory.Path);
        Assert.Equal([1, 3], Enumerable.Range(0, 20).Where(checkpoint.Config.IsEnd));
        var saved = Directory.CreateDirectory(_directory["saved"]).FullName;
        CheckpointFiles.Save(checkpoint, saved);
        foreach (var name in (string[])["config.json", "generation_config.json"])
            Assert.Equal("[1,3]", JsonNode.Parse(File.ReadAllText(Path.Combine(saved, name)))!["eos_token_id"]!.ToJsonString());
    }

    [Fact]
    public void Open_StartTokenInGenerationConfigAlone_IsTaken()
    {
        TinyModel.Write(_directory.Path, TinyModel.Config());
        var config = JsonNode.Parse(File.ReadAllText(_directory["config.json"]))!.AsObject();
        config.Remove("decoder_start_token_id");
        File.WriteAllText(_directory["config.json"], config.ToJsonString());
        File.WriteAllText(_directory["generation_config.json"], "{\"decoder_start_token_id\":2}");
        using var checkpoint = Checkpoint.Open(_directory.Path);
        Assert.Equal(2, checkpoint.Config.DecoderStartTokenId);
    }

    public void Dispose() => _directory.Dispose();

    private void Write(string modelType, bool? tie, bool? scale, string version, string head)
    {
        var config = TinyModel.Config(tied: false) with { ModelType = modelType };
        var json = config.ToJson();
        json.Remove("tie_word_embeddings");
        json.Remove("scale_decoder_outputs");
        if (tie is { } t) json["tie_word_embeddings"] = t;
        if (scale is { } s) json["scale_decoder_outputs"] = s;
        json["transformers_version"] = version;
        File.WriteAllText(_directory["config.json"], json.ToJsonString());
        var tensors = T5Layout.Enumerate(config).Where(x => head != "absent" || x.Name != "lm_head.weight").ToList();
        using var writer = SafetensorsWriter.Create(_directory["model.safetensors"], tensors);
        foreach (var tensor in tensors)
            writer.Write(
                tensor.Name,
                TinyModel.Values(head == "equal" && tensor.Name == "lm_head.weight" ? tensor with { Name = "shared.weight" } : tensor));
        writer.Complete();
    }
}
