using System.Text.Json;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Benchmarks.Profile;

/// <summary>What each operator of a graph takes, from ONNX Runtime's own profile.</summary>
internal static class OperatorTimes
{
    private const int WarmupRuns = 2;

    /// <summary>Runs a graph on rows of tokens without padding, and sums each operator's time over its nodes.</summary>
    /// <param name="graph">The graph file; its inputs are <c>input_ids</c> and <c>attention_mask</c>.</param>
    /// <param name="inputs">Rows of one length.</param>
    /// <param name="threads">Threads of an operator.</param>
    /// <param name="kernels">Whether the session has this project's kernels.</param>
    /// <param name="runs">Profiled runs; a node's time is the median of them.</param>
    /// <returns>Milliseconds by operator, products by the width of their result as well; the longest first.</returns>
    public static IReadOnlyList<(string Operator, int Nodes, double Milliseconds)> Measure(
        string graph, bool kernels, int[][] inputs, int threads, int runs)
    {
        var directory = Directory.CreateTempSubdirectory("distillonnx-profile-").FullName;
        try
        {
            // Where it is written must be known before profiling is switched on.
            using var options = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1 };
            options.ProfileOutputPathPrefix = Path.Combine(directory, "run");
            options.EnableProfiling = true;
            using var weights = kernels ? GraphWeights.TryRead(graph, asTheyLie: false, kernels: true) : null;
            using var session = weights?.Open(options) ?? new InferenceSession(graph, options);
            Run(session, inputs, WarmupRuns + runs);
            using var profile = JsonDocument.Parse(File.ReadAllBytes(session.EndProfiling()));
            return Sum(profile.RootElement);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void Run(InferenceSession session, int[][] inputs, int runs)
    {
        long[] shape = [inputs.Length, inputs[0].Length];
        using var ids = OrtValue.CreateTensorValueFromMemory<long>([.. inputs.SelectMany(r => r).Select(id => (long)id)], shape);
        using var mask = OrtValue.CreateTensorValueFromMemory<long>([.. inputs.SelectMany(r => r).Select(_ => 1L)], shape);
        using var options = new RunOptions();
        for (var run = 0; run < runs; run++)
            session.Run(options, ["input_ids", "attention_mask"], [ids, mask], [session.OutputNames[0]]).Dispose();
    }

    private static IReadOnlyList<(string Operator, int Nodes, double Milliseconds)> Sum(JsonElement events)
    {
        const string suffix = "_kernel_time";
        var nodes = new Dictionary<string, (string Operator, List<double> Times)>(StringComparer.Ordinal);
        foreach (var e in events.EnumerateArray())
        {
            var name = e.GetProperty("name").GetString()!;
            if (e.GetProperty("cat").GetString() != "Node" || !name.EndsWith(suffix, StringComparison.Ordinal)) continue;
            var arguments = e.GetProperty("args");
            if (!nodes.TryGetValue(name, out var node)) nodes[name] = node = (Describe(arguments), []);
            node.Times.Add(e.GetProperty("dur").GetDouble() / 1000);
        }

        return
        [
            .. nodes.Values
                .Select(n => (n.Operator, Milliseconds: Timing.Of(n.Times[Math.Min(WarmupRuns, n.Times.Count - 1)..]).Median))
                .GroupBy(n => n.Operator)
                .Select(g => (g.Key, g.Count(), g.Sum(n => n.Milliseconds)))
                .OrderByDescending(o => o.Item3),
        ];
    }

    /// <summary>The operator; of products also how wide their result is, which tells projections from feed-forward layers.</summary>
    private static string Describe(JsonElement arguments)
    {
        var name = arguments.GetProperty("op_name").GetString()!;
        if (!name.Contains("MatMul", StringComparison.Ordinal)) return name;
        var shape = arguments.GetProperty("output_type_shape")[0].EnumerateObject().First().Value;
        return $"{name} to width {shape[shape.GetArrayLength() - 1]}";
    }
}
