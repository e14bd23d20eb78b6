using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Core.Tests.Checkpoints;

/// <summary>A T5 of a few hundred weights, seeded, of a shape in which nothing equals anything else by chance.</summary>
internal static class TinyModel
{
    public static T5Config Config(bool tied = true, bool gated = false) => new()
    {
        VocabSize = 20,
        DModel = 6,
        DKv = 4,
        DFf = 10,
        NumLayers = 1,
        NumDecoderLayers = 2,
        NumHeads = 2,
        RelativeAttentionNumBuckets = 4,
        RelativeAttentionMaxDistance = 16,
        TieWordEmbeddings = tied,
        IsGated = gated,
        Activation = gated ? T5Activation.GeluNew : T5Activation.Relu,
    };

    /// <summary>Values of a weight, the same each time.</summary>
    public static float[] Values(TensorInfo tensor)
    {
        var random = new Random(tensor.Name.Aggregate(17, (h, c) => unchecked(h * 31 + c)));
        return [.. Enumerable.Range(0, (int)tensor.ElementCount).Select(_ => (float)(random.NextDouble() * 2 - 1))];
    }

    public static void WriteSafetensors(string path, IEnumerable<TensorInfo> tensors)
    {
        var list = tensors.ToList();
        using var writer = SafetensorsWriter.Create(path, list);
        foreach (var tensor in list) writer.Write(tensor.Name, Values(tensor));
        writer.Complete();
    }

    /// <summary>Writes a whole checkpoint.</summary>
    public static void Write(string directory, T5Config config, TensorType type = TensorType.Float32)
    {
        config.Save(directory);
        WriteSafetensors(Path.Combine(directory, "model.safetensors"), T5Layout.Enumerate(config, type));
    }

    /// <summary>Writes a checkpoint in two files with an index.</summary>
    /// <returns>The index's object, for tests to change and write again.</returns>
    public static JsonObject WriteSharded(string directory, T5Config config)
    {
        config.Save(directory);
        var tensors = T5Layout.Enumerate(config).ToList();
        var map = new JsonObject();
        for (var shard = 0; shard < 2; shard++)
        {
            var part = tensors.Where((_, i) => i % 2 == shard).ToList();
            var name = $"model-0000{shard + 1}-of-00002.safetensors";
            WriteSafetensors(Path.Combine(directory, name), part);
            foreach (var tensor in part) map[tensor.Name] = name;
        }

        var index =
            new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = tensors.Sum(t => t.ByteCount) }, ["weight_map"] = map };
        File.WriteAllText(Path.Combine(directory, "model.safetensors.index.json"), index.ToJsonString());
        return index;
    }

    /// <summary>Checks that a checkpoint holds the values, bit by bit, under the names of the layout.</summary>
    public static void AssertHolds(Checkpoint checkpoint)
    {
        foreach (var tensor in T5Layout.Enumerate(checkpoint.Config))
        {
            var found = new float[tensor.ElementCount];
            checkpoint.Tensors.ReadFloat32(tensor.Name, found);
            Assert.Equal(Values(tensor), found);
        }
    }
}
