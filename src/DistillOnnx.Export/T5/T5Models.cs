using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Labels;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>The graphs of a sequence-to-sequence model, with the names and shapes that optimum gives them and transformers.js looks for.</summary>
internal static class T5Models
{
    private const string Sequence = "sequence";
    private const string EncoderLength = T5Graph.EncoderLength;
    private const string DecoderLength = "decoder_sequence_length";
    private const string PastLength = "past_decoder_sequence_length";
    private const string CrossLength = "encoder_sequence_length_out";

    /// <summary><c>input_ids, attention_mask → last_hidden_state</c>.</summary>
    public static GraphBuilder Encoder(T5Weights weights, GraphForm form)
    {
        var graph = new GraphBuilder("encoder_model");
        var ids = graph.Input("input_ids", ElementType.Int64, T5Graph.Batch, EncoderLength);
        var mask = graph.Input("attention_mask", ElementType.Int64, T5Graph.Batch, EncoderLength);
        var states = new T5Graph(graph, weights, form).Encode(ids, mask, EncoderLength);
        graph.Output(states, "last_hidden_state", ElementType.Float, T5Graph.Batch, EncoderLength, weights.Config.DModel);
        return graph;
    }

    /// <summary><c>encoder_attention_mask, input_ids, encoder_hidden_states → logits, present.N.{decoder,encoder}.{key,value}</c>.</summary>
    public static GraphBuilder Decoder(T5Weights weights, GraphForm form)
    {
        var graph = new GraphBuilder("decoder_model");
        var mask = graph.Input("encoder_attention_mask", ElementType.Int64, T5Graph.Batch, EncoderLength);
        var ids = graph.Input("input_ids", ElementType.Int64, T5Graph.Batch, DecoderLength);
        var states = graph.Input("encoder_hidden_states", ElementType.Float, T5Graph.Batch, EncoderLength, weights.Config.DModel);
        var (logits, present) = new T5Graph(graph, weights, form).Decode(ids, states, mask, DecoderLength);
        Outputs(graph, weights, logits, present, DecoderLength, EncoderLength);
        return graph;
    }

    /// <summary><c>encoder_attention_mask, input_ids, past_key_values.N.… → logits, present.N.decoder.{key,value}</c>.</summary>
    public static GraphBuilder DecoderWithPast(T5Weights weights, GraphForm form)
    {
        var graph = new GraphBuilder("decoder_with_past_model");
        var mask = graph.Input("encoder_attention_mask", ElementType.Int64, T5Graph.Batch, CrossLength);
        var ids = graph.Input("input_ids", ElementType.Int64, T5Graph.Batch, DecoderLength);
        var past = PastInputs(graph, weights);
        var (logits, present) = new T5Graph(graph, weights, form).DecodeWithPast(ids, mask, past, DecoderLength);
        Outputs(graph, weights, logits, present, $"{PastLength} + {DecoderLength}", null);
        return graph;
    }

    /// <summary>
    /// Both decoders in one, chosen by <c>use_cache_branch</c> bool[1]. Their weights stand in the outer graph, once. The
    /// cached branch does not give back the encoder's keys and values, which do not change: readers keep the first ones.
    /// </summary>
    public static GraphBuilder DecoderMerged(T5Weights weights, GraphForm form)
    {
        var config = weights.Config;
        var graph = new GraphBuilder("decoder_model_merged");
        var mask = graph.Input("encoder_attention_mask", ElementType.Int64, T5Graph.Batch, EncoderLength);
        var ids = graph.Input("input_ids", ElementType.Int64, T5Graph.Batch, DecoderLength);
        var states = graph.Input("encoder_hidden_states", ElementType.Float, T5Graph.Batch, EncoderLength, config.DModel);
        var past = PastInputs(graph, weights);
        var useCache = graph.Input("use_cache_branch", ElementType.Bool, 1);

        var first = graph.Branch("no_past");
        var (logits, present) = new T5Graph(first, weights, form).Decode(ids, states, mask, DecoderLength);
        Outputs(first, weights, logits, present, "present_length", "encoder_present_length", "no_past/");

        var later = graph.Branch("with_past");
        (logits, present) = new T5Graph(later, weights, form).DecodeWithPast(ids, mask, past, DecoderLength);
        var empty = later.Node("ConstantOfShape", [later.Constant([0L, config.NumHeads, 1L, config.DKv])]);
        for (var i = 0; i < present.Length; i++)
            present[i] = present[i] with { CrossKey = later.Node("Identity", [empty]), CrossValue = later.Node("Identity", [empty]) };
        Outputs(later, weights, logits, present, "present_length", "encoder_present_length", "with_past/");

        var outputs = graph.Nodes("If", [useCache], 1 + (4 * present.Length), ("then_branch", later), ("else_branch", first));
        var merged = new T5Graph.Cache[present.Length];
        for (var i = 0; i < merged.Length; i++) merged[i] = new T5Graph.Cache(outputs[1 + (4 * i)], outputs[2 + (4 * i)], outputs[3 + (4 * i)], outputs[4 + (4 * i)]);
        Outputs(graph, weights, outputs[0], merged, "present_length", "encoder_present_length");
        return graph;
    }

    /// <summary><c>input_ids, attention_mask → label_log_probs</c> for one closed set, in one run.</summary>
    /// <param name="weights">The model.</param>
    /// <param name="form">How the graph is written.</param>
    /// <param name="plan">The labels, whose order the output has.</param>
    public static GraphBuilder Labels(T5Weights weights, GraphForm form, LabelPlan plan)
    {
        var graph = new GraphBuilder("label_model");
        var ids = graph.Input("input_ids", ElementType.Int64, T5Graph.Batch, Sequence);
        var mask = graph.Input("attention_mask", ElementType.Int64, T5Graph.Batch, Sequence);
        var model = new T5Graph(graph, weights, form);
        var scores = model.ScoreLabels(model.Encode(ids, mask, Sequence), mask, plan, Sequence);
        graph.Output(scores, "label_log_probs", ElementType.Float, T5Graph.Batch, plan.Paths.Count);
        return graph;
    }

    /// <summary><c>input_ids, attention_mask</c> and the tries of <see cref="ChoiceInputs"/> <c>→ label_log_probs</c>, in one run.</summary>
    public static GraphBuilder Choices(T5Weights weights, GraphForm form)
    {
        const string positions = "positions", branchings = "branchings", labels = "labels";
        var graph = new GraphBuilder("label_model");
        var ids = graph.Input("input_ids", ElementType.Int64, T5Graph.Batch, Sequence);
        var mask = graph.Input("attention_mask", ElementType.Int64, T5Graph.Batch, Sequence);
        var tries = new T5Graph.Tries(
            graph.Input("trie_tokens", ElementType.Int64, T5Graph.Batch, positions),
            graph.Input("trie_depths", ElementType.Int64, T5Graph.Batch, positions),
            graph.Input("trie_visible", ElementType.Bool, T5Graph.Batch, positions, positions),
            graph.Input("branch_positions", ElementType.Int64, T5Graph.Batch, branchings),
            graph.Input("branch_tokens", ElementType.Int64, T5Graph.Batch, branchings, "children"),
            graph.Input("label_steps", ElementType.Int64, T5Graph.Batch, labels, "steps"));
        var model = new T5Graph(graph, weights, form);
        var scores = model.ScoreChoices(model.Encode(ids, mask, Sequence), mask, tries, positions, Sequence);
        graph.Output(scores, "label_log_probs", ElementType.Float, T5Graph.Batch, labels);
        return graph;
    }

    private static T5Graph.Cache[] PastInputs(GraphBuilder graph, T5Weights weights)
    {
        var config = weights.Config;
        Value Past(int block, string of, string what, string length) =>
            graph.Input($"past_key_values.{block}.{of}.{what}", ElementType.Float, T5Graph.Batch, config.NumHeads, length, config.DKv);
        var past = new T5Graph.Cache[config.NumDecoderLayers];
        for (var i = 0; i < past.Length; i++)
        {
            past[i] = new T5Graph.Cache(
                Past(i, "decoder", "key", PastLength), Past(i, "decoder", "value", PastLength),
                Past(i, "encoder", "key", CrossLength), Past(i, "encoder", "value", CrossLength));
        }

        return past;
    }

    private static void Outputs(GraphBuilder graph, T5Weights weights, Value logits, T5Graph.Cache[] present, string selfLength, string? crossLength, string prefix = "")
    {
        var config = weights.Config;
        graph.Output(logits, prefix + "logits", ElementType.Float, T5Graph.Batch, DecoderLength, config.VocabSize);
        for (var i = 0; i < present.Length; i++)
        {
            void Present(Value value, string name, string length) =>
                graph.Output(value, $"{prefix}present.{i}.{name}", ElementType.Float, crossLength is null || prefix.Length == 0 || !name.StartsWith("encoder", StringComparison.Ordinal) ? T5Graph.Batch : prefix + "batch", config.NumHeads, length, config.DKv);
            Present(present[i].SelfKey, "decoder.key", selfLength);
            Present(present[i].SelfValue, "decoder.value", selfLength);
            if (crossLength is null) continue;
            Present(present[i].CrossKey, "encoder.key", crossLength);
            Present(present[i].CrossValue, "encoder.value", crossLength);
        }
    }
}
