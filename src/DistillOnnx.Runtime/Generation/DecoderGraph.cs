using DistillOnnx.Core.T5;
using DistillOnnx.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Generation;

/// <summary>
/// The decoder, either as one graph with a branch for each case (<c>decoder_model_merged.onnx</c>) or as two
/// (<c>decoder_model.onnx</c>, <c>decoder_with_past_model.onnx</c>). The first run reads the encoder's states and gives the
/// keys and values of both attentions; later ones read those and one token a row.
/// </summary>
internal sealed class DecoderGraph : IDisposable
{
    private const string InputIds = "input_ids", EncoderStates = "encoder_hidden_states", EncoderMask = "encoder_attention_mask";
    private const string UseCache = "use_cache_branch", Logits = "logits";
    private readonly GraphSession _first;
    private readonly GraphSession _next;
    private readonly T5Config _config;
    private readonly string[] _pastSelf, _pastCross, _presentSelf, _presentCross;
    private readonly OrtValue? _yes, _no;
    private readonly RowGather? _rows, _caches;

    private DecoderGraph(SessionFactory factory, GraphSession first, GraphSession next, T5Config config)
    {
        _first = first;
        _next = next;
        _config = config;
        ChoosesTokens = factory.BindsRuns;
        _pastSelf = Names("past_key_values", "decoder", config.NumDecoderLayers);
        _pastCross = Names("past_key_values", "encoder", config.NumDecoderLayers);
        _presentSelf = Names("present", "decoder", config.NumDecoderLayers);
        _presentCross = Names("present", "encoder", config.NumDecoderLayers);
        if (ChoosesTokens)
        {
            _rows = new RowGather(factory, first.DeviceMemory, first.TypeOf(EncoderStates), 1);
            _caches = new RowGather(factory, first.DeviceMemory, first.TypeOf(_presentSelf[0]), _presentSelf.Length);
        }

        if (!IsMerged) return;
        _yes = OrtValue.CreateTensorValueFromMemory(new[] { true }, [1]);
        _no = OrtValue.CreateTensorValueFromMemory(new[] { false }, [1]);
    }

    /// <summary>
    /// Whether the graphs choose tokens themselves (<see cref="TokenChoice"/>), and what they leave for the next step stays on the device:
    /// where they run on a GPU.
    /// </summary>
    public bool ChoosesTokens { get; }

    private bool IsMerged => ReferenceEquals(_first, _next);

    /// <summary>Loads the merged graph.</summary>
    public static DecoderGraph LoadMerged(SessionFactory factory, string path, T5Config config)
    {
        var graph = GraphSession.Load(
            factory, path, [.. FirstInputs(config), .. PastInputs(config), new(UseCache, TensorElementType.Bool, 1)],
            Outputs(config, cross: true), addition: Addition(factory));
        return new DecoderGraph(factory, graph, graph, config);
    }

    /// <summary>Loads the two graphs.</summary>
    public static DecoderGraph LoadPair(SessionFactory factory, string first, string next, T5Config config)
    {
        var opening = GraphSession.Load(
            factory, first, FirstInputs(config), Outputs(config, cross: true), addition: Addition(factory));
        try
        {
            var following = GraphSession.Load(
                factory, next, [new(InputIds, TensorElementType.Int64, -1, -1), .. PastInputs(config)], Outputs(config, cross: false),
                addition: Addition(factory));
            return new DecoderGraph(factory, opening, following, config);
        }
        catch
        {
            opening.Dispose();
            throw;
        }
    }

    /// <summary>Reads the first tokens of every row.</summary>
    /// <param name="run">Options of the run.</param>
    /// <param name="inputIds">Decoder tokens [rows, decoded].</param>
    /// <param name="encoderStates">[rows, sequence, d_model].</param>
    /// <param name="encoderMask">[rows, sequence].</param>
    /// <param name="state">Receives keys and values; null where nothing will be decoded after.</param>
    /// <param name="keepOnHost">Whether keys and values must lie in the processor's memory.</param>
    /// <returns>Logits [rows, decoded, vocabulary] in the processor's memory.</returns>
    public OrtValue Start(
        GraphRun run, OrtValue inputIds, OrtValue encoderStates, OrtValue encoderMask, DecoderState? state, bool keepOnHost = false) =>
        Start(run, inputIds, encoderStates, encoderMask, state, choice: null, keepOnHost)[0];

    /// <summary>Reads the first token of every row and chooses the next.</summary>
    public ChosenTokens Start(
        GraphRun run, OrtValue inputIds, OrtValue encoderStates, OrtValue encoderMask, DecoderState state, TokenChoice choice)
    {
        var outputs = Start(run, inputIds, encoderStates, encoderMask, state, choice, keepOnHost: false);
        return new ChosenTokens(outputs[0], outputs[1], choice.Chosen);
    }

    /// <summary>Reads one more token of every row.</summary>
    /// <param name="run">Options of the run.</param>
    /// <param name="inputIds">Decoder tokens [rows, 1].</param>
    /// <param name="encoderStates">As for the first tokens: merged graphs name it as an input though this branch ignores it.</param>
    /// <param name="encoderMask">[rows, sequence].</param>
    /// <param name="state">Keys and values so far; replaced by those with this token.</param>
    /// <param name="keepOnHost">Whether keys and values must lie in the processor's memory.</param>
    /// <returns>Logits [rows, 1, vocabulary] in the processor's memory.</returns>
    public OrtValue Next(
        GraphRun run, OrtValue inputIds, OrtValue encoderStates, OrtValue encoderMask, DecoderState state, bool keepOnHost = false) =>
        Next(run, inputIds, encoderStates, encoderMask, state, choice: null, keepOnHost)[0];

    /// <summary>Reads one more token of every row and chooses the next.</summary>
    public ChosenTokens Next(
        GraphRun run, OrtValue inputIds, OrtValue encoderStates, OrtValue encoderMask, DecoderState state, TokenChoice choice)
    {
        var outputs = Next(run, inputIds, encoderStates, encoderMask, state, choice, keepOnHost: false);
        return new ChosenTokens(outputs[0], outputs[1], choice.Chosen);
    }

    /// <summary>Repeats or reorders the rows of encoder states on the device.</summary>
    public OrtValue GatherRows(GraphRun run, OrtValue states, ReadOnlySpan<int> sources) => _rows!.Gather(run, [states], sources)[0];

    /// <summary>Makes row i continue what row <paramref name="sources"/>[i] decoded, on the device.</summary>
    public void Reorder(GraphRun run, DecoderState state, ReadOnlySpan<int> sources)
    {
        if (DecoderState.IsInOrder(sources)) return;
        var reordered = _caches!.Gather(run, state.Self!, sources);
        for (var i = 0; i < reordered.Length; i++)
        {
            state.Self[i]!.Dispose();
            state.Self[i] = reordered[i];
        }
    }

    private OrtValue[] Start(
        GraphRun run, OrtValue inputIds, OrtValue encoderStates, OrtValue encoderMask, DecoderState? state, TokenChoice? choice,
        bool keepOnHost)
    {
        using var binding = _first.Session.CreateIoBinding();
        binding.BindInput(InputIds, inputIds);
        binding.BindInput(EncoderStates, encoderStates);
        binding.BindInput(EncoderMask, encoderMask);
        OrtValue? empty = null;
        using var unused = ChoosesTokens && choice is null ? new TokenChoice(_config, 1) : null;
        try
        {
            if (IsMerged)
            {
                var rows = encoderStates.GetTensorTypeAndShape().Shape[0];
                empty = OrtValue.CreateAllocatedTensorValue(
                    OrtAllocator.DefaultInstance, _first.TypeOf(_pastSelf[0]), [rows, _config.NumHeads, 0, _config.DKv]);
                foreach (var name in _pastSelf) binding.BindInput(name, empty);
                foreach (var name in _pastCross) binding.BindInput(name, empty);
                binding.BindInput(UseCache, _no!);
            }

            var answers = BindAnswers(binding, choice, unused);
            if (state is not null)
            {
                var memory = keepOnHost ? OrtMemoryInfo.DefaultInstance : _first.DeviceMemory;
                foreach (var name in _presentSelf) binding.BindOutputToDevice(name, memory);
                foreach (var name in _presentCross) binding.BindOutputToDevice(name, memory);
            }

            run.Run(_first.Session, binding);
            OrtValue[] outputs = [.. binding.GetOutputValues()];
            if (state is not null)
            {
                for (var i = 0; i < _presentSelf.Length; i++)
                {
                    state.Self[i] = outputs[answers + i];
                    state.Cross[i] = outputs[answers + _presentSelf.Length + i];
                }
            }

            return Answers(outputs, answers, choice);
        }
        finally
        {
            empty?.Dispose();
        }
    }

    private OrtValue[] Next(
        GraphRun run, OrtValue inputIds, OrtValue encoderStates, OrtValue encoderMask, DecoderState state, TokenChoice? choice,
        bool keepOnHost)
    {
        using var binding = _next.Session.CreateIoBinding();
        using var unused = ChoosesTokens && choice is null ? new TokenChoice(_config, 1) : null;
        binding.BindInput(InputIds, inputIds);
        if (_next.HasInput(EncoderStates)) binding.BindInput(EncoderStates, encoderStates);
        if (_next.HasInput(EncoderMask)) binding.BindInput(EncoderMask, encoderMask);
        if (IsMerged) binding.BindInput(UseCache, _yes!);
        for (var i = 0; i < _pastSelf.Length; i++)
        {
            binding.BindInput(_pastSelf[i], state.Self[i]!);
            binding.BindInput(_pastCross[i], state.Cross[i]!);
        }

        var answers = BindAnswers(binding, choice, unused);
        var memory = keepOnHost ? OrtMemoryInfo.DefaultInstance : _next.DeviceMemory;
        foreach (var name in _presentSelf) binding.BindOutputToDevice(name, memory);
        run.Run(_next.Session, binding);
        OrtValue[] outputs = [.. binding.GetOutputValues()];
        for (var i = 0; i < _presentSelf.Length; i++)
        {
            state.Self[i]!.Dispose();
            state.Self[i] = outputs[answers + i];
        }

        return Answers(outputs, answers, choice);
    }

    /// <summary>Binds what a step answers with: logits, or tokens that the graph chose. Returns how many outputs these are.</summary>
    /// <param name="binding">Of the step.</param>
    /// <param name="choice">How tokens are chosen; null: they are not.</param>
    /// <param name="unused">Inputs for a graph that chooses tokens although nobody asks; null: it does not.</param>
    private static int BindAnswers(OrtIoBinding binding, TokenChoice? choice, TokenChoice? unused)
    {
        if (choice is null) binding.BindOutputToDevice(Logits, OrtMemoryInfo.DefaultInstance);
        (choice ?? unused)?.Bind(binding);
        return choice is not null ? 2 : unused is not null ? 3 : 1;
    }

    private static OrtValue[] Answers(OrtValue[] outputs, int answers, TokenChoice? choice)
    {
        if (choice is not null) return [outputs[0], outputs[1]];
        for (var i = 1; i < answers; i++) outputs[i].Dispose();
        return [outputs[0]];
    }

    private static byte[]? Addition(SessionFactory factory) => factory.BindsRuns ? TokenChoice.Addition : null;

    public void Dispose()
    {
        _first.Dispose();
        if (!IsMerged) _next.Dispose();
        _rows?.Dispose();
        _caches?.Dispose();
        _yes?.Dispose();
        _no?.Dispose();
    }

    private static string[] Names(string group, string side, int layers) =>
        [.. Enumerable.Range(0, layers).SelectMany(n => new[] { $"{group}.{n}.{side}.key", $"{group}.{n}.{side}.value" })];

    private static IEnumerable<GraphPort> FirstInputs(T5Config config) =>
    [
        new(InputIds, TensorElementType.Int64, -1, -1),
        new(EncoderStates, TensorElementType.Float, -1, -1, config.DModel),
        new(EncoderMask, TensorElementType.Int64, -1, -1),
    ];

    private static IEnumerable<GraphPort> PastInputs(T5Config config) =>
        from side in (string[])["decoder", "encoder"]
        from name in Names("past_key_values", side, config.NumDecoderLayers)
        select new GraphPort(name, TensorElementType.Float, -1, config.NumHeads, -1, config.DKv);

    private static IEnumerable<GraphPort> Outputs(T5Config config, bool cross) =>
    [
        new(Logits, TensorElementType.Float, -1, -1, config.VocabSize),
        .. from side in cross ? (string[])["decoder", "encoder"] : ["decoder"]
           from name in Names("present", side, config.NumDecoderLayers)
           select new GraphPort(name, TensorElementType.Float, -1, -1, -1, -1),
    ];
}
