using System.Text;
using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Checkpoints;

/// <summary>LoRA adapters as PEFT saves them, merged into their base.</summary>
public sealed class LoraAdapterTests : IDisposable
{
    private const string Query = "encoder.block.0.layer.0.SelfAttention.q";
    private const string Output = "decoder.block.1.layer.2.DenseReluDense.wo";
    private readonly TemporaryDirectory _outer = new();
    private readonly string _directory;
    private readonly string _base;

    public LoraAdapterTests()
    {
        _directory = Directory.CreateDirectory(_outer["adapter"]).FullName;
        _base = Directory.CreateDirectory(_outer["whole"]).FullName;
        TinyModel.Write(_base, TinyModel.Config(tied: false));
    }

    [Theory]
    [InlineData("{}", 2.0, 2.0)]
    [InlineData("{\"use_rslora\":true}", 2.8284271247461903, 2.8284271247461903)]
    [InlineData("{\"alpha_pattern\":{\"SelfAttention.q\":10}}", 5.0, 2.0)]
    [InlineData(
        "{\"alpha_pattern\":{\"encoder\\\\.block\\\\.0\\\\..*\\\\.q\":6},\"use_rslora\":true}", 4.242640687119285, 2.8284271247461903)]
    [InlineData("{\"fan_in_fan_out\":true,\"bias\":\"none\",\"lora_dropout\":0.1,\"task_type\":\"SEQ_2_SEQ_LM\"}", 2.0, 2.0)]
    public void Open_Adapter_IsTheBaseWithItsChanges(string keys, double queryScale, double outputScale)
    {
        WriteConfig(_directory, keys, Query, Output);
        WriteWeights([.. Factors(Query, 8, 6), .. Factors(Output, 6, 10)]);
        using var checkpoint = Checkpoint.Open(_directory, _base);
        using var whole = Checkpoint.Open(_base);
        foreach (var tensor in T5Layout.Enumerate(checkpoint.Config))
        {
            var (expected, found) = (Read(whole, tensor), Read(checkpoint, tensor));
            if (tensor.Name == Query + ".weight") AddProduct(expected, Factors(Query, 8, 6), queryScale);
            if (tensor.Name == Output + ".weight") AddProduct(expected, Factors(Output, 6, 10), outputScale);
            for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 1e-5f);
        }

        Assert.Contains(checkpoint.Notes, n => n.Contains("merged into 2 projections", StringComparison.Ordinal));
        Assert.Equal(_base, checkpoint.Place.BaseDirectory);
    }

    [Fact]
    public void Open_AdapterInTwoForms_ReadsTheFirstAndNamesTheOther()
    {
        WriteConfig(_directory, "{}", Query, Output);
        WriteWeights([.. Factors(Query, 8, 6), .. Factors(Output, 6, 10)]);
        File.WriteAllText(Path.Combine(_directory, "adapter_model.bin"), "");
        using var checkpoint = Checkpoint.Open(_directory, _base);
        Assert.Equal(["model.safetensors", "adapter_model.safetensors"], checkpoint.Files.Select(f => Path.GetFileName(f)));
        Assert.Contains(
            $"{_directory}: not used, for the adapter is read from adapter_model.safetensors: adapter_model.bin", checkpoint.Notes);
    }

    [Fact]
    public void Open_HeadOfItsOwnOverATiedBase_IsUsedScaled()
    {
        TinyModel.Write(_base, TinyModel.Config());
        WriteConfig(_directory, "{\"modules_to_save\":[\"lm_head\"]}");
        var head = new TensorInfo("base_model.model.lm_head.weight", TensorType.Float32, [20, 6]);
        WriteWeights([.. Factors(Query, 8, 6), head]);
        using var checkpoint = Checkpoint.Open(_directory, _base);
        Assert.False(checkpoint.Config.TieWordEmbeddings);
        var found = Read(checkpoint, head with { Name = "lm_head.weight" });
        Assert.Equal(TinyModel.Values(head).Select(v => Math.Round(v / Math.Sqrt(6), 5)), found.Select(v => Math.Round((double)v, 5)));
    }

    [Fact]
    public void Open_BaseWithinTheDirectory_IsFound()
    {
        TinyModel.Write(Directory.CreateDirectory(Path.Combine(_directory, "base")).FullName, TinyModel.Config(tied: false));
        WriteConfig(_directory, "{\"base_model_name_or_path\":\"base\"}");
        WriteWeights(Factors(Query, 8, 6));
        using var checkpoint = Checkpoint.Open(_directory);
        Assert.Contains("base", checkpoint.Place.BaseDirectory);
    }

    [Theory]
    [InlineData("google/flan-t5-small")]
    [InlineData("../whole")]
    [InlineData("/nowhere/at/all")]
    [InlineData("")]
    public void Open_BaseThatIsNotThere_AsksForIt(string name)
    {
        WriteConfig(_directory, new JsonObject { ["base_model_name_or_path"] = name }.ToJsonString());
        WriteWeights(Factors(Query, 8, 6));
        Assert.Contains("--base", Hostile.AssertRefused(_directory, name));
    }

    [Fact]
    public void Open_AbsoluteBase_IsFollowedAndSaid()
    {
        WriteConfig(_directory, new JsonObject { ["base_model_name_or_path"] = _base }.ToJsonString());
        WriteWeights(Factors(Query, 8, 6));
        using var checkpoint = Checkpoint.Open(_directory);
        Assert.Contains(checkpoint.Notes, n => n.Contains(_base, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{\"use_dora\":true}", "use_dora")]
    [InlineData("{\"peft_type\":\"IA3\"}", "IA3")]
    [InlineData("{\"lora_bias\":true}", "lora_bias")]
    [InlineData("{\"init_lora_weights\":\"pissa\"}", "init_lora_weights")]
    [InlineData("{\"r\":8}", "rank")]
    [InlineData("{\"rank_pattern\":{\"q\":3}}", "rank 3")]
    [InlineData("{\"rank_pattern\":{\"(\":3}}", "regular expression")]
    [InlineData("{\"rank_pattern\":{\"(?=q)\":3}}", "regular expression")]
    public void Open_WhatCannotBeMerged_IsRefusedByName(string keys, string expected)
    {
        WriteConfig(_directory, keys);
        WriteWeights(Factors(Query, 8, 6));
        Assert.Contains(expected, Assert.Throws<InputException>(() => Checkpoint.Open(_directory, _base).Dispose()).Message);
    }

    [Theory]
    [InlineData("encoder.block.7.layer.0.SelfAttention.q.lora_A.weight", "one of its two factors")]
    [InlineData("shared.lora_embedding_A", "not supported")]
    [InlineData("encoder.block.0.layer.0.SelfAttention.q.lora_magnitude_vector", "not supported")]
    [InlineData("score.weight", "no place in the base")]
    [InlineData("base_model.model.shared.weight", "trained embedding")]
    public void Open_TensorOfAnotherKind_IsRefusedByName(string name, string expected)
    {
        WriteConfig(_directory, "{}");
        WriteWeights(
            [
                .. Factors(Query, 8, 6),
                new TensorInfo(name, TensorType.Float32, name.EndsWith("shared.weight", StringComparison.Ordinal) ? [20, 6] : [2, 6]),
            ]);
        Assert.Contains(expected, Assert.Throws<InputException>(() => Checkpoint.Open(_directory, _base).Dispose()).Message);
    }

    // The base has one encoder block and two decoder blocks, so three q of self-attention and two of cross-attention.
    [Theory]
    [InlineData("{\"target_modules\":[\"q\"],\"exclude_modules\":\"decoder.*\"}", "encoder", null)]
    [InlineData("{\"target_modules\":[\"q\"]}", "", null)]
    [InlineData("{\"target_modules\":[\"SelfAttention.q\"]}", "SelfAttention", null)]
    [InlineData("{\"target_modules\":\".*\\\\.q\"}", "", null)]
    [InlineData("{\"target_modules\":[\"q\",\"v\"]}", "", "\"decoder.block.0.layer.0.SelfAttention.v\" has no lora_A")]
    [InlineData("{\"target_modules\":[\"v\"]}", "", "has no lora_A")]
    [InlineData("{\"target_modules\":[\"q\"]}", "SelfAttention", "\"decoder.block.0.layer.1.EncDecAttention.q\" has no lora_A")]
    [InlineData("{\"target_modules\":\".*\\\\.q\"}", "SelfAttention", "\"decoder.block.0.layer.1.EncDecAttention.q\" has no lora_A")]
    [InlineData("{\"target_modules\":[\"SelfAttention.q\"]}", "", "EncDecAttention.q\" has lora_A and lora_B, but")]
    [InlineData("{\"target_modules\":\"all-linear\"}", "", "has no lora_A")]
    [InlineData("{\"target_modules\":[\"q\"],\"exclude_modules\":[\"EncDecAttention.q\"]}", "SelfAttention", null)]
    [InlineData("{\"target_modules\":[\"q\"],\"layers_to_transform\":[0]}", "SelfAttention", null)]
    [InlineData("{\"target_modules\":[\"q\"],\"layers_to_transform\":[0]}", "block.0", null)]
    [InlineData("{\"target_modules\":[\"q\"],\"layers_to_transform\":[0]}", "", "\"layers_to_transform\" [0]")]
    [InlineData("{\"target_modules\":[\"q\"],\"layers_to_transform\":0,\"layers_pattern\":\"block\"}", "block.0", null)]
    [InlineData("{\"target_modules\":[\"q\"],\"layers_to_transform\":1,\"layers_pattern\":\"block\"}", "block.0", "block.1")]
    [InlineData("{\"target_modules\":[\"q\"],\"layers_to_transform\":\"x\"}", "", "a layer's number")]
    [InlineData("{\"target_modules\":[3]}", "", "a list of strings")]
    [InlineData("{\"target_modules\":[\"q\"],\"modules_to_save\":[\"lm_head\"]}", "", "no weights of module \"lm_head\"")]
    public void Open_ModulesOtherThanAnnounced_AreRefused(string keys, string part, string? expected)
    {
        string[] all =
        [
            Query,
            "decoder.block.0.layer.0.SelfAttention.q", "decoder.block.0.layer.1.EncDecAttention.q",
            "decoder.block.1.layer.0.SelfAttention.q", "decoder.block.1.layer.1.EncDecAttention.q",
        ];
        WriteConfig(_directory, keys);
        WriteWeights(all.Where(m => m.Contains(part, StringComparison.Ordinal)).SelectMany(m => Factors(m, 8, 6)));
        if (expected is null)
        {
            using var checkpoint = Checkpoint.Open(_directory, _base);
            Assert.Contains(checkpoint.Notes, n => n.Contains("a LoRA adapter, merged", StringComparison.Ordinal));
            return;
        }

        var message = Assert.Throws<InputException>(() => Checkpoint.Open(_directory, _base).Dispose()).Message;
        Assert.Contains(expected, message);
        Assert.DoesNotContain(message, char.IsControl);
    }

    [Fact]
    public void Open_TargetsThatCannotBeCompared_IsSaid()
    {
        WriteConfig(_directory, "{\"target_modules\":\"(?=e).*q\"}");
        WriteWeights(Factors(Query, 8, 6));
        using var checkpoint = Checkpoint.Open(_directory, _base);
        Assert.Contains(checkpoint.Notes, n => n.Contains("was not checked", StringComparison.Ordinal));
    }

    [Fact]
    public void Open_BaseOfAWholeModel_IsRefused() =>
        Assert.Contains("--base is for adapters", Assert.Throws<InputException>(() => Checkpoint.Open(_base, _base).Dispose()).Message);

    [Theory]
    [InlineData("adapter_config.json")]
    [InlineData("adapter_model.safetensors")]
    [InlineData("generation_config.json")]
    public void Open_MutatedFile_IsRefusedInOneLineOrSound(string file)
    {
        WriteConfig(_directory, "{\"base_model_name_or_path\":\"base\",\"alpha_pattern\":{\"q\":10},\"use_rslora\":true}", Query, Output);
        WriteWeights([.. Factors(Query, 8, 6), .. Factors(Output, 6, 10)]);
        var inner = Directory.CreateDirectory(Path.Combine(_directory, "base")).FullName;
        TinyModel.Write(inner, TinyModel.Config(tied: false));
        File.WriteAllText(
            Path.Combine(inner, "generation_config.json"), "{\"decoder_start_token_id\":0,\"eos_token_id\":[1],\"num_beams\":4}");
        var path = Path.Combine(file == "generation_config.json" ? inner : _directory, file);
        var sound = File.ReadAllBytes(path);
        var random = new Random(5);
        var refused = 0;
        for (var i = 0; i < 200; i++)
        {
            var bytes = sound.ToArray();

            // The header and what it says, more than the values.
            var at = random.Next(Math.Min(bytes.Length, 600));
            bytes = (i % 4) switch
            {
                0 => bytes[..at],
                1 => [.. bytes[..at], (byte)random.Next(256), .. bytes[(at + 1)..]],
                2 => [.. bytes[..at], .. Encoding.UTF8.GetBytes("../../etc"), .. bytes[at..]],
                _ => [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + random.Next(1, 9))..]],
            };
            File.WriteAllBytes(path, bytes);
            if (!Hostile.OpensOrIsRefused(_directory, $"{file} {i}")) refused++;
        }

        Assert.InRange(refused, 50, 200);
    }

    public void Dispose() => _outer.Dispose();

    private static TensorInfo[] Factors(string module, long rows, long columns) =>
    [
        new($"base_model.model.{module}.lora_A.weight", TensorType.Float32, [2, columns]),
        new($"base_model.model.{module}.lora_B.weight", TensorType.Float32, [rows, 2]),
    ];

    private static void AddProduct(float[] weight, TensorInfo[] factors, double scale)
    {
        var (a, b) = (TinyModel.Values(factors[0]), TinyModel.Values(factors[1]));
        var columns = (int)factors[0].Shape[1];
        for (var i = 0; i < weight.Length; i++)
        {
            var (row, column) = (i / columns, i % columns);
            weight[i] += (float)(scale * (((double)b[row * 2] * a[column]) + ((double)b[(row * 2) + 1] * a[columns + column])));
        }
    }

    private static float[] Read(Checkpoint checkpoint, TensorInfo tensor)
    {
        var values = new float[tensor.ElementCount];
        checkpoint.Tensors.ReadFloat32(tensor.Name, values);
        return values;
    }

    private static void WriteConfig(string directory, string keys, params string[] targets)
    {
        JsonArray modules = [.. targets.DefaultIfEmpty(Query)];
        var root = new JsonObject { ["peft_type"] = "LORA", ["r"] = 2, ["lora_alpha"] = 4, ["target_modules"] = modules };
        foreach (var (key, value) in JsonNode.Parse(keys)!.AsObject()) root[key] = value?.DeepClone();
        File.WriteAllText(Path.Combine(directory, "adapter_config.json"), root.ToJsonString());
    }

    private void WriteWeights(IEnumerable<TensorInfo> tensors) =>
        TinyModel.WriteSafetensors(Path.Combine(_directory, "adapter_model.safetensors"), tensors);
}
