using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Labels;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>
/// The graphs of a model, those of decoding with the names and shapes that optimum gives them and transformers.js looks for.
/// </summary>
internal static class T5Graphs
{
    private const string Sequence = "sequence";
    private const string EncoderLength = T5Model.EncoderLength;
    private const string DecoderLength = "decoder_sequence_length";
    private const string PastLength = "past_decoder_sequence_length";
    private const string CrossLength = "encoder_sequence_length_out";

    /// <summary><c>input_ids, attention_mask → last_hidden_state</c>.</summary>
    public static GraphBuilder Encoder(T5Weights weights, GraphForm form)
    {
        var graph = new GraphBuilder("encoder_model", form.Opset);
        var ids = graph.Input("input_ids", ElementType.Int64, T5Model.Batch, EncoderLength);
        var mask = graph.Input("attention_mask", ElementType.Int64, T5Model.Batch, EncoderLength);
        var states = new T5Model(graph, weights, form).Encode(ids, mask, EncoderLength);
        graph.Output(states, "last_hidden_state", ElementType.Float, T5Model.Batch, EncoderLength, weights.Config.DModel);
        return graph;
    }

    /// <summary>
    /// <c>encoder_attention_mask, input_ids, encoder_hidden_states → logits, present.N.{decoder,encoder}.{key,value}</c>.
    /// </summary>
    public static GraphBuilder Decoder(T5Weights weights, GraphForm form)
    {
        var graph = new GraphBuilder("decoder_model", form.Opset);
        var mask = graph.Input("encoder_attention_mask", ElementType.Int64, T5Model.Batch, EncoderLength);
        var ids = graph.Input("input_ids", ElementType.Int64, T5Model.Batch, DecoderLength);
        var states = graph.Input("encoder_hidden_states", ElementType.Float, T5Model.Batch, EncoderLength, weights.Config.DModel);
        var (logits, present) = new T5Model(graph, weights, form).Decode(ids, states, mask, DecoderLength);
        Outputs(graph, weights, logits, present, DecoderLength, EncoderLength);
        return graph;
    }

    /// <summary><c>encoder_attention_mask, input_ids, past_key_values.N.… → logits, present.N.decoder.{key,value}</c>.</summary>
    public static GraphBuilder DecoderWithPast(T5Weights weights, GraphForm form)
    {
        var graph = new GraphBuilder("decoder_with_past_model", form.Opset);
        var mask = graph.Input("encoder_attention_mask", ElementType.Int64, T5Model.Batch, CrossLength);
        var ids = graph.Input("input_ids", ElementType.Int64, T5Model.Batch, DecoderLength);
        var past = PastInputs(graph, weights);
        var (logits, present) = new T5Model(graph, weights, form).DecodeStep(ids, mask, past, DecoderLength);
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
        var graph = new GraphBuilder("decoder_model_merged", form.Opset);
        var mask = graph.Input("encoder_attention_mask", ElementType.Int64, T5Model.Batch, EncoderLength);
        var ids = graph.Input("input_ids", ElementType.Int64, T5Model.Batch, DecoderLength);
        var states = graph.Input("encoder_hidden_states", ElementType.Float, T5Model.Batch, EncoderLength, config.DModel);
        var past = PastInputs(graph, weights);
        var useCache = graph.Input("use_cache_branch", ElementType.Bool, 1);

        var first = graph.Branch("no_past");
        var (logits, present) = new T5Model(first, weights, form).Decode(ids, states, mask, DecoderLength);
        Outputs(first, weights, logits, present, "present_length", "encoder_present_length", "no_past/");

        var later = graph.Branch("with_past");
        (logits, present) = new T5Model(later, weights, form).DecodeStep(ids, mask, past, DecoderLength);
        var empty = later.Node("ConstantOfShape", [later.Constant([0L, config.NumHeads, 1L, config.DKv])]);
        for (var i = 0; i < present.Length; i++)
            present[i] = present[i] with { EncoderKey = later.Node("Identity", [empty]), EncoderValue = later.Node("Identity", [empty]) };
        Outputs(later, weights, logits, present, "present_length", "encoder_present_length", "with_past/");

        var outputs = graph.Nodes("If", [useCache], 1 + (4 * present.Length), ("then_branch", later), ("else_branch", first));
        var merged = new T5LayerCache[present.Length];
        for (var i = 0; i < merged.Length; i++)
            merged[i] = new T5LayerCache(outputs[1 + (4 * i)], outputs[2 + (4 * i)], outputs[3 + (4 * i)], outputs[4 + (4 * i)]);
        Outputs(graph, weights, outputs[0], merged, "present_length", "encoder_present_length");
        return graph;
    }

    /// <summary><c>input_ids, attention_mask → label_log_probs</c> for one closed set, in one run.</summary>
    /// <param name="weights">The model.</param>
    /// <param name="form">How the graph is written.</param>
    /// <param name="plan">The labels, whose order the output has.</param>
    public static GraphBuilder Labels(T5Weights weights, GraphForm form, LabelPlan plan)
    {
        form = form.ForLabels();
        var graph = new GraphBuilder("label_model", form.Opset);
        var ids = graph.Input("input_ids", ElementType.Int64, T5Model.Batch, Sequence);
        var mask = graph.Input("attention_mask", ElementType.Int64, T5Model.Batch, Sequence);
        var model = new T5Model(graph, weights, form);
        var scores = new T5Labels(model).Score(model.Encode(ids, mask, Sequence), mask, plan, Sequence);
        graph.Output(scores, "label_log_probs", ElementType.Float, T5Model.Batch, plan.Paths.Count);
        return graph;
    }

    /// <summary>
    /// <c>input_ids, attention_mask</c> and the tries of <see cref="ChoiceInputs"/> <c>→ label_log_probs</c>, in one run.
    /// </summary>
    public static GraphBuilder Choices(T5Weights weights, GraphForm form)
    {
        const string positions = "positions", branchings = "branchings", labels = "labels";
        form = form.ForLabels();
        var graph = new GraphBuilder("label_model", form.Opset);
        var ids = graph.Input("input_ids", ElementType.Int64, T5Model.Batch, Sequence);
        var mask = graph.Input("attention_mask", ElementType.Int64, T5Model.Batch, Sequence);
        var tries = new T5Choices.Tries(
            graph.Input("trie_tokens", ElementType.Int64, T5Model.Batch, positions),
            graph.Input("trie_depths", ElementType.Int64, T5Model.Batch, positions),
            graph.Input("trie_visible", ElementType.Bool, T5Model.Batch, positions, positions),
            graph.Input("branch_positions", ElementType.Int64, T5Model.Batch, branchings),
            graph.Input("branch_tokens", ElementType.Int64, T5Model.Batch, branchings, "children"),
            graph.Input("label_steps", ElementType.Int64, T5Model.Batch, labels, "steps"));
        var model = new T5Model(graph, weights, form);
        var scores = new T5Choices(model).Score(model.Encode(ids, mask, Sequence), mask, tries, positions, Sequence);
        graph.Output(scores, "label_log_probs", ElementType.Float, T5Model.Batch, labels);
        return graph;
    }

    private static T5LayerCache[] PastInputs(GraphBuilder graph, T5Weights weights)
    {
        var config = weights.Config;
        Value Past(int block, string of, string what, string length) =>
            graph.Input($"past_key_values.{block}.{of}.{what}", ElementType.Float, T5Model.Batch, config.NumHeads, length, config.DKv);
        var past = new T5LayerCache[config.NumDecoderLayers];
        for (var i = 0; i < past.Length; i++)
        {
            past[i] = new T5LayerCache(
                Past(i, "decoder", "key", PastLength), Past(i, "decoder", "value", PastLength),
                Past(i, "encoder", "key", CrossLength), Past(i, "encoder", "value", CrossLength));
        }

        return past;
    }

    private static void Outputs(
        GraphBuilder graph, T5Weights weights, Value logits, T5LayerCache[] present, string selfLength, string? crossLength,
        string prefix = "")
    {
        var config = weights.Config;
        graph.Output(logits, prefix + "logits", ElementType.Float, T5Model.Batch, DecoderLength, config.VocabSize);
        for (var i = 0; i < present.Length; i++)
        {
            void Present(Value value, string name, string batch, string length) =>
                graph.Output(value, $"{prefix}present.{i}.{name}", ElementType.Float, batch, config.NumHeads, length, config.DKv);
            Present(present[i].Key, "decoder.key", T5Model.Batch, selfLength);
            Present(present[i].Value, "decoder.value", T5Model.Batch, selfLength);
            if (crossLength is null) continue;
            // In a branch they may be the empty stand-ins, whose first dimension is another than the batch.
            var crossBatch = prefix.Length == 0 ? T5Model.Batch : prefix + "batch";
            Present(present[i].EncoderKey, "encoder.key", crossBatch, crossLength);
            Present(present[i].EncoderValue, "encoder.value", crossBatch, crossLength);
        }
    }
}
