using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tests.Checkpoints;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Toolchain.Tests.Forms;

/// <summary>A form in which T5 checkpoints are published or saved, with random weights of a tiny shape.</summary>
internal sealed record PublicForm(T5Config Config)
{
    private const int Rank = 4;
    private const int Alpha = 10;

    private static readonly T5Config First = RandomCheckpoint.Uneven;
    private static readonly T5Config Gated = First with { Activation = T5Activation.GeluNew, IsGated = true, TieWordEmbeddings = false };

    /// <summary>The forms by name.</summary>
    public static IReadOnlyDictionary<string, PublicForm> All { get; } = new Dictionary<string, PublicForm>
    {
        ["v1.0"] = new(First),
        ["v1.1"] = new(Gated),
        ["flan"] = new(Gated with { DKv = 12, NumHeads = 4, NumDecoderLayers = 3 }) { Tokenizer = "both" },
        ["mt5"] = new(Gated with { ModelType = "mt5" }) { ExtraIds = 0 },
        ["umt5"] = new(Gated with { ModelType = "umt5" }) { ExtraIds = 0 },
        ["byt5"] = new(Gated with { VocabSize = 384, NumLayers = 3, NumDecoderLayers = 1 }) { Tokenizer = "bytes" },
        ["lora on flan"] = new(Gated with { DKv = 12, NumHeads = 4 }) { Adapter = true },
        ["v1.0, transformers 5"] = new(First) { Transformers = 5 },
        ["v1.1, transformers 5"] = new(Gated) { Transformers = 5 },
        ["v1.0 with a head of its own, transformers 5"] = new(First with { TieWordEmbeddings = false }) { Transformers = 5 },
        ["mt5, transformers 5"] = new(Gated with { ModelType = "mt5" }) { Transformers = 5, ExtraIds = 0 },
        ["umt5, transformers 5"] = new(Gated with { ModelType = "umt5" }) { Transformers = 5, ExtraIds = 0 },
        ["sharded"] = new(Gated) { File = "sharded" },
        ["bf16"] = new(First) { Type = TensorType.BFloat16 },
        ["fp16"] = new(Gated) { Type = TensorType.Float16 },
        ["pytorch_model.bin"] = new(First) { File = "pytorch" },
        ["prefixed"] = new(Gated) { Prefix = "module._orig_mod." },
        ["tokens added"] = new(First) { Tokenizer = "added" },
        ["several end tokens"] = new(WithEnds(First, [1, .. Enumerable.Range(20, 60)])),
        ["tokenizer.json alone"] = new(First) { Tokenizer = "json" },
    };

    private int Transformers { get; init; } = 4;

    private TensorType Type { get; init; } = TensorType.Float32;

    private string File { get; init; } = "safetensors";

    private string Prefix { get; init; } = "";

    private string Tokenizer { get; init; } = "sentencepiece";

    private int ExtraIds { get; init; } = 100;

    private bool Adapter { get; init; }

    /// <summary>A text, and ids that its tokens must have, worked out by hand.</summary>
    public (string Text, int[] Ids) Tokens => Tokenizer switch
    {
        "bytes" => ("yes \u00e9", [124, 104, 118, 35, 198, 172, 1]),
        "added" => ("yes <ORG> no", [5, 211, 6, 1]),
        _ => ("yes no", [5, 6, 1]),
    };

    /// <summary>Writes the form.</summary>
    /// <param name="directory">Created.</param>
    /// <returns>The weights that it represents, under the names of the layout.</returns>
    public MemoryTensors Write(string directory)
    {
        var random = new Random(5);
        var tensors = T5Layout.Enumerate(Config).ToList();
        var values = tensors.ToDictionary(t => t.Name, t => RandomCheckpoint.Values(Config, t, random).Select(Rounded).ToArray());
        var whole = Adapter ? Path.Combine(directory, "base") : directory;
        Directory.CreateDirectory(whole);
        WriteConfig(whole);
        WriteWeights(whole, values);
        WriteTokenizer(whole);
        if (Adapter) WriteAdapter(directory, values, random);

        // transformers 5 scales every umT5; a scaled head of its own is read with the scale in its weights.
        if (Transformers == 5 && Config.ModelType == "umt5")
            values[T5TensorNames.LmHead] = [.. values[T5TensorNames.LmHead].Select(v => (float)(v * (1 / Math.Sqrt(Config.DModel))))];
        return new MemoryTensors(tensors, values);
    }

    private static T5Config WithEnds(T5Config config, int[] ends)
    {
        var root = config.ToJson();
        root["eos_token_id"] = new JsonArray([.. ends]);
        return T5Config.Parse(Encoding.UTF8.GetBytes(root.ToJsonString()), "config.json");
    }

    private float Rounded(float value) => Type switch
    {
        TensorType.Float16 => (float)(Half)value,
        TensorType.BFloat16 => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(value) & unchecked((int)0xFFFF0000)),
        _ => value,
    };

    // transformers 5 marks every T5's head as tied, whatever its tensors are, and has a key for the scale in model type t5 alone.
    private void WriteConfig(string directory)
    {
        var root = Config.ToJson();
        root["transformers_version"] = Transformers == 5 ? "5.15.1" : "4.40.0";
        root["tie_word_embeddings"] = Transformers == 5 || Config.TieWordEmbeddings;
        if (Transformers == 4 || Config.ModelType != "t5") root.Remove("scale_decoder_outputs");
        WriteText(directory, "config.json", root.ToJsonString());
    }

    private void WriteWeights(string directory, Dictionary<string, float[]> values)
    {
        var layout = T5Layout.Enumerate(Config, Type);
        var stored = layout.Select(t => (Tensor: t with { Name = Prefix + t.Name }, Values: values[t.Name])).ToList();
        switch (File)
        {
            case "sharded":
                var map = new JsonObject();
                foreach (var (part, i) in stored.Chunk((stored.Count / 3) + 1).Select((p, i) => (p, i)))
                {
                    var name = $"model-{i + 1:00000}-of-00003.safetensors";
                    WriteSafetensors(Path.Combine(directory, name), part);
                    foreach (var (tensor, _) in part) map[tensor.Name] = name;
                }

                var size = new JsonObject { ["total_size"] = stored.Sum(s => s.Tensor.ByteCount) };
                var index = new JsonObject { ["metadata"] = size, ["weight_map"] = map };
                WriteText(directory, "model.safetensors.index.json", index.ToJsonString());
                break;
            case "pytorch":
                // torch.save stores every name of a shared tensor.
                foreach (var copy in (string[])["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"])
                    stored.Add((stored[0].Tensor with { Name = copy }, stored[0].Values));
                var storages = stored.Select(s => MemoryMarshal.AsBytes<float>(s.Values).ToArray());
                var file = TorchFile.Archive(TorchFile.Pickle(stored.Select(s => s.Tensor)), storages);
                System.IO.File.WriteAllBytes(Path.Combine(directory, "pytorch_model.bin"), file);
                break;
            default:
                WriteSafetensors(Path.Combine(directory, "model.safetensors"), stored);
                break;
        }
    }

    private void WriteTokenizer(string directory)
    {
        if (Tokenizer == "bytes")
        {
            WriteText(directory, "tokenizer_config.json", """{"tokenizer_class":"ByT5Tokenizer","extra_ids":125}""");
            return;
        }

        if (Tokenizer is "json" or "both") T5Tokenizer.FromModel(TinyTokenizer.SpieceModel, ExtraIds).Save(directory);
        else WriteText(directory, "tokenizer_config.json", $$"""{"tokenizer_class":"T5Tokenizer","extra_ids":{{ExtraIds}}}""");
        var spiece = Path.Combine(directory, T5Tokenizer.ModelFileName);
        if (Tokenizer == "json") System.IO.File.Delete(spiece);
        else System.IO.File.WriteAllBytes(spiece, TinyTokenizer.SpieceModel);
        if (Tokenizer == "added") WriteText(directory, "added_tokens.json", """{"<ORG>":211,"==":212}""");
    }

    /// <summary>Writes an adapter of the projections that PEFT chooses for T5, and adds its products to the weights.</summary>
    private void WriteAdapter(string directory, Dictionary<string, float[]> values, Random random)
    {
        var factors = new List<(TensorInfo, float[])>();
        foreach (var tensor in T5Layout.Enumerate(Config).Where(t => t.Name.EndsWith(".q.weight") || t.Name.EndsWith(".v.weight")))
        {
            float[] Factor(string name, long rows, long columns)
            {
                var numbers = Enumerable.Range(0, (int)(rows * columns)).Select(_ => (float)((random.NextDouble() - 0.5) / 8)).ToArray();
                var module = $"base_model.model.{tensor.Name[..^".weight".Length]}";
                factors.Add((new TensorInfo($"{module}.{name}.weight", TensorType.Float32, [rows, columns]), numbers));
                return numbers;
            }

            var (outputs, inputs) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
            var (a, b) = (Factor("lora_A", Rank, inputs), Factor("lora_B", outputs, Rank));
            double Product(int row, int column) =>
                Enumerable.Range(0, Rank).Sum(r => (double)b[(row * Rank) + r] * a[(r * inputs) + column]);
            values[tensor.Name] = [.. values[tensor.Name].Select((v, i) => (float)(v + (Product(i / inputs, i % inputs) * Alpha / Rank)))];
        }

        WriteSafetensors(Path.Combine(directory, "adapter_model.safetensors"), factors);
        WriteText(
            directory, "adapter_config.json",
            $$"""{"peft_type":"LORA","r":{{Rank}},"lora_alpha":{{Alpha}},"target_modules":["q","v"],"base_model_name_or_path":"base"}""");
    }

    private static void WriteSafetensors(string path, IReadOnlyList<(TensorInfo Tensor, float[] Values)> stored)
    {
        using var writer = SafetensorsWriter.Create(path, [.. stored.Select(s => s.Tensor)]);
        foreach (var (tensor, numbers) in stored) writer.Write(tensor.Name, numbers);
        writer.Complete();
    }

    private static void WriteText(string directory, string name, string text) =>
        System.IO.File.WriteAllText(Path.Combine(directory, name), text);
}
