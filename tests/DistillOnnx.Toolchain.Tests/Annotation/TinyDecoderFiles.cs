using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Toolchain.Tests.Annotation;

/// <summary>Writes a tiny decoder as ONNX Runtime GenAI reads models: graph, configuration and tokenizer.</summary>
internal static class TinyDecoderFiles
{
    /// <summary>Writes the model's directory.</summary>
    /// <param name="directory">Created.</param>
    /// <param name="model">The model.</param>
    /// <param name="context">The most tokens of prompt and answer.</param>
    public static void Write(string directory, TinyDecoder model, int context = TinyDecoder.Context)
    {
        Directory.CreateDirectory(directory);
        OnnxWriter.Write(Path.Combine(directory, "model.onnx"), Graph(model), new Dictionary<string, string>());
        Save(directory, "genai_config.json", Config(model, context));
        Save(directory, "tokenizer.json", Tokenizer(model.Vocabulary));
        Save(directory, "tokenizer_config.json", new JsonObject
        {
            ["tokenizer_class"] = "GPT2Tokenizer",
            ["add_bos_token"] = false,
            ["add_prefix_space"] = false,
            ["bos_token"] = TinyVocabulary.Special[TinyVocabulary.End],
            ["eos_token"] = TinyVocabulary.Special[TinyVocabulary.End],
            ["unk_token"] = TinyVocabulary.Special[TinyVocabulary.End],
            ["model_max_length"] = context,
            ["clean_up_tokenization_spaces"] = false,
            ["chat_template"] = TinyVocabulary.ChatTemplate,
        });
    }

    private static void Save(string directory, string name, JsonObject content) =>
        File.WriteAllText(Path.Combine(directory, name), content.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));

    private static JsonObject Config(TinyDecoder model, int context) => new()
    {
        ["model"] = new JsonObject
        {
            ["type"] = "llama",
            ["bos_token_id"] = TinyVocabulary.End,
            ["eos_token_id"] = TinyVocabulary.End,
            ["pad_token_id"] = TinyVocabulary.End,
            ["vocab_size"] = model.Vocabulary.Count,
            ["context_length"] = context,
            ["decoder"] = new JsonObject
            {
                ["filename"] = "model.onnx",
                ["session_options"] = new JsonObject { ["provider_options"] = new JsonArray(), ["intra_op_num_threads"] = 1 },
                ["hidden_size"] = TinyDecoder.Hidden,
                ["head_size"] = TinyDecoder.HeadSize,
                ["num_attention_heads"] = TinyDecoder.Heads,
                ["num_key_value_heads"] = TinyDecoder.KeyHeads,
                ["num_hidden_layers"] = TinyDecoder.Layers,
                ["inputs"] = new JsonObject
                {
                    ["input_ids"] = "input_ids",
                    ["attention_mask"] = "attention_mask",
                    ["past_key_names"] = "past_key_values.%d.key",
                    ["past_value_names"] = "past_key_values.%d.value",
                },
                ["outputs"] = new JsonObject
                {
                    ["logits"] = "logits",
                    ["present_key_names"] = "present.%d.key",
                    ["present_value_names"] = "present.%d.value",
                },
            },
        },
        ["search"] = new JsonObject { ["max_length"] = context, ["past_present_share_buffer"] = false, ["do_sample"] = false },
    };

    private static JsonObject Tokenizer(TinyVocabulary vocabulary)
    {
        var special = Enumerable.Range(0, TinyVocabulary.Special.Count).Select(i => (JsonNode?)new JsonObject
        {
            ["id"] = i,
            ["content"] = TinyVocabulary.Special[i],
            ["single_word"] = false,
            ["lstrip"] = false,
            ["rstrip"] = false,
            ["normalized"] = false,
            ["special"] = true,
        });
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray([.. special]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "ByteLevel",
                ["add_prefix_space"] = false,
                ["trim_offsets"] = true,
                ["use_regex"] = true,
            },
            ["decoder"] = new JsonObject
            {
                ["type"] = "ByteLevel",
                ["add_prefix_space"] = true,
                ["trim_offsets"] = true,
                ["use_regex"] = true,
            },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["vocab"] =
                    new JsonObject(
                        Enumerable.Range(0, vocabulary.Count).Select(t => KeyValuePair.Create(vocabulary.Written(t), (JsonNode?)t))),
                ["merges"] = new JsonArray(),
            },
        };
    }

    private static GraphBuilder Graph(TinyDecoder model)
    {
        var graph = new GraphBuilder("decoder");
        var ids = graph.Input("input_ids", ElementType.Int64, "batch_size", "sequence_length");
        var mask = graph.Input("attention_mask", ElementType.Int64, "batch_size", "total_sequence_length");
        var lengths = graph.Cast(graph.Sub(graph.ReduceSum(mask, 1), graph.Scalar(1L)), ElementType.Int32);
        var total = graph.Cast(graph.Size(mask, 1), ElementType.Int32);
        var (cosines, sines) = (Rotary(graph, "cos", Math.Cos), Rotary(graph, "sin", Math.Sin));
        var states = graph.Gather(Weight(graph, "embedding", model.Embedding, model.Vocabulary.Count, TinyDecoder.Hidden), ids);
        foreach (var (i, block) in model.Blocks.Index())
        {
            using var scope = graph.Scope($"layer.{i}");
            var pastKey = graph.Input(
                $"past_key_values.{i}.key", ElementType.Float, "batch_size", TinyDecoder.KeyHeads, "past_length", TinyDecoder.HeadSize);
            var pastValue = graph.Input(
                $"past_key_values.{i}.value", ElementType.Float, "batch_size", TinyDecoder.KeyHeads, "past_length", TinyDecoder.HeadSize);
            var normed = Norm(graph, $"{i}.attention_norm", states, block.AttentionNorm);
            var attended = graph.Nodes(
                "com.microsoft.GroupQueryAttention",
                [
                    Linear(graph, $"{i}.query", normed, block.Query, TinyDecoder.Hidden),
                    Linear(graph, $"{i}.key", normed, block.Key, TinyDecoder.Hidden),
                    Linear(graph, $"{i}.value", normed, block.Value, TinyDecoder.Hidden),
                    pastKey, pastValue, lengths, total, cosines, sines,
                ],
                3,
                ("num_heads", TinyDecoder.Heads),
                ("kv_num_heads", TinyDecoder.KeyHeads),
                ("do_rotary", 1));
            states = graph.Add(states, Linear(graph, $"{i}.output", attended[0], block.Output, TinyDecoder.Hidden));
            normed = Norm(graph, $"{i}.feed_forward_norm", states, block.FeedForwardNorm);
            var gate = Linear(graph, $"{i}.gate", normed, block.Gate, TinyDecoder.Hidden);
            var inner = graph.Mul(
                graph.Mul(gate, graph.Node("Sigmoid", [gate])), Linear(graph, $"{i}.up", normed, block.Up, TinyDecoder.Hidden));
            states = graph.Add(states, Linear(graph, $"{i}.down", inner, block.Down, TinyDecoder.Inner));
            graph.Output(
                attended[1],
                $"present.{i}.key",
                ElementType.Float,
                "batch_size",
                TinyDecoder.KeyHeads,
                "total_sequence_length",
                TinyDecoder.HeadSize);
            graph.Output(
                attended[2],
                $"present.{i}.value",
                ElementType.Float,
                "batch_size",
                TinyDecoder.KeyHeads,
                "total_sequence_length",
                TinyDecoder.HeadSize);
        }

        var logits = Linear(graph, "head", Norm(graph, "final_norm", states, model.FinalNorm), model.Head, TinyDecoder.Hidden);
        graph.Output(logits, "logits", ElementType.Float, "batch_size", "sequence_length", model.Vocabulary.Count);
        return graph;
    }

    private static Value Weight(GraphBuilder graph, string name, float[] values, params long[] dims) =>
        graph.Constant(name, () => TensorData.Of(dims, values));

    private static Value Linear(GraphBuilder graph, string name, Value value, float[] weights, int inputs) =>
        graph.MatMul(value, Weight(graph, name, weights, inputs, weights.Length / inputs));

    private static Value Norm(GraphBuilder graph, string name, Value value, float[] weight) => graph.Node(
        "SimplifiedLayerNormalization",
        [value, Weight(graph, name, weight, weight.Length)],
        ("axis", -1),
        ("epsilon", TinyDecoder.Epsilon),
        ("stash_type", 1));

    private static Value Rotary(GraphBuilder graph, string name, Func<double, double> function)
    {
        const int pairs = TinyDecoder.HeadSize / 2;
        float[] values =
            [.. Enumerable.Range(0, TinyDecoder.Context * pairs).Select(i => (float)function(TinyDecoder.Angle(i / pairs, i % pairs)))];
        return Weight(graph, name, values, TinyDecoder.Context, pairs);
    }
}
