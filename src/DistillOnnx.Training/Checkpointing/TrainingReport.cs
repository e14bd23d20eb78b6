using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Stages.IO;

namespace DistillOnnx.Training.Checkpointing;

/// <summary>
/// <c>training.json</c>: the resolved options, versions, hashes of the data, and every evaluation; rewritten with each save. What
/// curves are drawn from.
/// </summary>
internal sealed class TrainingReport
{
    /// <summary>The hash of the task.</summary>
    public const string TaskHash = "task_sha256";

    private readonly JsonObject _head;
    private readonly IReadOnlyList<string> _unwritten;

    /// <param name="head">What is known before the first step.</param>
    /// <param name="fingerprint">What a resumed run must have in common with this one, as JSON.</param>
    /// <param name="unwritten">What of that earlier versions did not write down.</param>
    public TrainingReport(JsonObject head, string fingerprint, IReadOnlyList<string> unwritten)
    {
        (_head, Fingerprint, _unwritten) = (head, fingerprint, unwritten);
    }

    /// <summary>What a resumed run must have in common with this one, as JSON.</summary>
    public string Fingerprint { get; }

    /// <summary>Writes the report.</summary>
    /// <param name="directory">The checkpoint.</param>
    /// <param name="state">Where the run stands.</param>
    /// <param name="status"><see cref="TrainingFile.Running"/> or <see cref="TrainingFile.Finished"/>.</param>
    public void Save(string directory, TrainingState state, string status)
    {
        var root = new JsonObject { ["status"] = status };
        foreach (var (key, value) in _head) root[key] = value?.DeepClone();
        root["fingerprint"] = JsonNode.Parse(Fingerprint);
        root["steps"] = state.Step;
        root["best_step"] = state.BestStep;
        if (state.Best?.ValidationAccuracy is { } accuracy) root["validation_accuracy"] = accuracy;
        if (state.Best?.ValidationMacroF1 is { } f1) root["validation_macro_f1"] = f1;
        root["seconds"] = Math.Round(state.Seconds, 3);
        root["step_seconds"] = Math.Round(state.StepSeconds, 3);
        root["tokens"] = state.Tokens;
        root["evaluations"] = JsonSerializer.SerializeToNode(state.History, TrainingJson.Compact);
        AtomicFile.WriteAllBytes(
            Path.Combine(directory, TrainingFile.Name), Encoding.UTF8.GetBytes(root.ToJsonString(TrainingJson.Indented) + "\n"));
    }

    /// <summary>Says which option of a saved run differs from those of the one that is to resume it.</summary>
    /// <param name="saved">The fingerprint of the saved run.</param>
    /// <param name="path">Named in the message.</param>
    /// <exception cref="InputException">One does.</exception>
    public void RequireSame(string saved, string path)
    {
        var (old, now) = (Parse(saved, path), Parse(Fingerprint, path));
        foreach (var key in now.Select(n => n.Key).Union(old.Select(o => o.Key)))
        {
            var (before, after) = (old[key]?.ToJsonString() ?? "nothing", now[key]?.ToJsonString() ?? "nothing");
            if (before == after || (_unwritten.Contains(key) && !old.ContainsKey(key))) continue;
            throw new InputException(
                $"{path}: cannot be resumed: \"{key}\" was {before} and is now {after}; "
                + $"pass the same options, or --overwrite to start anew");
        }
    }

    /// <summary>A whole number that a run was saved with; null where it has none of that name.</summary>
    /// <param name="saved">The fingerprint of the saved run.</param>
    /// <param name="key">Its name.</param>
    /// <param name="path">Named in the message.</param>
    /// <exception cref="InputException">The fingerprint is damaged.</exception>
    public static int? Number(string saved, string key, string path) =>
        Parse(saved, path)[key] is JsonValue value && value.TryGetValue<int>(out var number) ? number : null;

    private static JsonObject Parse(string text, string path)
    {
        try
        {
            return JsonNode.Parse(text)!.AsObject();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InputException($"{path}: the saved options are damaged: {e.Message}", e);
        }
    }
}
