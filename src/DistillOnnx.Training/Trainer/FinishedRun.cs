using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Training.Checkpointing;
using DistillOnnx.Training.Metrics;

namespace DistillOnnx.Training.Trainer;

/// <summary>Reads the outcome of a run that is done, so that resuming it costs nothing.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Fingerprint">What a run that asks for it must have in common with it, as JSON; null in files of older versions.</param>
/// <param name="MaxSteps">Steps that it was to take; null in files of older versions.</param>
internal sealed record FinishedRun(RunOutcome Outcome, string? Fingerprint, int? MaxSteps)
{
    /// <summary>Reads it; null where there is no finished run.</summary>
    /// <param name="directory">The checkpoint directory.</param>
    public static FinishedRun? Load(string directory)
    {
        var path = Path.Combine(directory, TrainingFile.Name);
        if (!File.Exists(path)) return null;
        try
        {
            var root = JsonNode.Parse(File.ReadAllText(path))!;
            if ((string?)root["status"] != TrainingFile.Finished) return null;
            var (tokens, seconds) = ((double)root["tokens"]!, (double)root["step_seconds"]!);
            var best = (int)root["best_step"]!;
            var evaluation = root["evaluations"].Deserialize<List<EvaluationRecord>>(TrainingJson.Compact)!
                .LastOrDefault(e => e.Step == best);
            var outcome = new RunOutcome(
                directory, best, evaluation, (int)root["steps"]!, (double)root["seconds"]!, seconds > 0 ? tokens / seconds : 0);
            return new FinishedRun(
                outcome, root["fingerprint"]?.ToJsonString(TrainingJson.Compact), (int?)root["options"]?["max_steps"]);
        }
        catch (Exception e) when (
            e is JsonException or InvalidOperationException or NullReferenceException or FormatException or ArgumentNullException)
        {
            return null;
        }
    }
}
