using DistillOnnx.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Generation;

/// <summary><c>encoder_model.onnx</c>: tokens in, one state for each token out.</summary>
internal sealed class EncoderGraph : IDisposable
{
    private const string InputIds = "input_ids", AttentionMask = "attention_mask", LastHiddenState = "last_hidden_state";
    private readonly GraphSession _graph;

    private EncoderGraph(GraphSession graph) => _graph = graph;

    /// <summary>The shapes that inputs are padded to.</summary>
    public RunShapes Shapes => _graph.Shapes;

    /// <summary>Loads the graph.</summary>
    /// <param name="factory">Loads sessions.</param>
    /// <param name="path">The graph file.</param>
    /// <param name="dModel">Width of a state.</param>
    /// <exception cref="Core.InputException">The file is missing or is not an encoder of this width.</exception>
    public static EncoderGraph Load(SessionFactory factory, string path, int dModel)
    {
        var graph = GraphSession.Load(
            factory,
            path,
            [new(InputIds, TensorElementType.Int64, -1, -1), new(AttentionMask, TensorElementType.Int64, -1, -1)],
            [new(LastHiddenState, TensorElementType.Float, -1, -1, dModel)],
            factory.Share(path));
        try
        {
            graph.ReleaseCopiedWeights(session =>
            {
                using var ids = OrtValue.CreateTensorValueFromMemory(new long[] { 2, 1 }, [1, 2]);
                using var mask = OrtValue.CreateTensorValueFromMemory(new long[] { 1, 1 }, [1, 2]);
                using var run = new GraphRun(CancellationToken.None);
                using var states = run.Run(session, [InputIds, AttentionMask], [ids, mask], [LastHiddenState]);
                return Array.ConvertAll(states[0].GetTensorDataAsSpan<float>().ToArray(), v => (double)v);
            });
            return new EncoderGraph(graph);
        }
        catch
        {
            graph.Dispose();
            throw;
        }
    }

    /// <summary>Runs the encoder.</summary>
    /// <param name="run">Options of the run.</param>
    /// <param name="inputIds">Tokens [rows, sequence].</param>
    /// <param name="attentionMask">1 where there is a token, 0 where there is padding [rows, sequence].</param>
    /// <param name="keepOnHost">Whether the states must lie in the processor's memory.</param>
    /// <returns>States [rows, sequence, d_model].</returns>
    public OrtValue Encode(GraphRun run, OrtValue inputIds, OrtValue attentionMask, bool keepOnHost = false)
    {
        using var binding = _graph.Session.CreateIoBinding();
        binding.BindInput(InputIds, inputIds);
        binding.BindInput(AttentionMask, attentionMask);
        binding.BindOutputToDevice(LastHiddenState, keepOnHost ? OrtMemoryInfo.DefaultInstance : _graph.DeviceMemory);
        run.Run(_graph.Session, binding);
        return binding.GetOutputValues()[0];
    }

    public void Dispose() => _graph.Dispose();
}
