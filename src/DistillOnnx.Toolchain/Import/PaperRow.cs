using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Reads one row of the paper's files.</summary>
/// <param name="set">The set it belongs to.</param>
/// <param name="where">Names the row in messages.</param>
/// <param name="json">The row.</param>
internal readonly struct PaperRow(PaperSet set, string where, JsonElement json)
{
    /// <summary>The row without a teacher.</summary>
    /// <param name="defaultId">The id of a row that brings none.</param>
    /// <param name="human">Whether to take the people's rationale.</param>
    public Example Read(string defaultId, bool human) => set.Name switch
    {
        "svamp" => new Example { Id = defaultId, Input = Text("input"), Label = Text("label") },
        "cqa" => Question(human),
        _ => Inference(defaultId, human),
    };

    private Example Question(bool human)
    {
        var listed = Choices();
        var lines = listed.Select((choice, i) => $"({(char)('a' + i)}) {choice}");
        return new Example
        {
            Id = Text("id"),
            Input = $"{Text("question")}\nAnswer Choices:\n{string.Join('\n', lines)}",
            Label = Text("answer").Trim(),
            Rationale = human ? Optional("abstractive_explanation") : null,
            // The archive lists a choice twice in more than a hundred rows; the input keeps what was asked, a closed set cannot.
            Choices = [.. listed.Select(c => c.Trim()).Distinct(StringComparer.Ordinal)],
        };
    }

    private Example Inference(string defaultId, bool human)
    {
        var label = Label(set.Task);
        return new Example
        {
            Id = Optional("uid") ?? defaultId,
            Input = Text("premise") + set.Task.SegmentSeparator + Text("hypothesis"),
            Label = label,
            Rationale = human
                ? Optional("explanation_1") ?? Optional("explanation_2") ?? Optional("explanation_3") ?? Optional("reason")
                : null,
        };
    }

    private string Label(TaskSpec task)
    {
        var value = Get("label", JsonValueKind.Number, "a number");
        var labels = task.Labels!;
        if (!value.TryGetInt32(out var index) || index < 0 || index >= labels.Count)
            throw new InputException($"{where}: \"label\": expected 0 to {labels.Count - 1}, found {value.GetRawText()}");
        return labels[index];
    }

    private List<string> Choices()
    {
        var texts = new List<string>();
        foreach (var item in Get("choices", JsonValueKind.Array, "an array").EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String)
                throw new InputException($"{where}: \"choices\": expected strings, found {item.ValueKind}");
            texts.Add(item.GetString()!);
        }

        if (texts.Count is < 2 or > 26) throw new InputException($"{where}: \"choices\": expected 2 to 26, found {texts.Count}");
        return texts;
    }

    private string Text(string key) => Get(key, JsonValueKind.String, "a string").GetString()!;

    private string? Optional(string key) =>
        json.TryGetProperty(key, out var value)
            && value.ValueKind == JsonValueKind.String
            && value.GetString() is { } text
            && !string.IsNullOrWhiteSpace(text)
            ? text.Trim()
            : null;

    private JsonElement Get(string key, JsonValueKind kind, string expected)
    {
        if (!json.TryGetProperty(key, out var value)) throw new InputException($"{where}: \"{key}\" is missing");
        if (value.ValueKind != kind) throw new InputException($"{where}: \"{key}\": expected {expected}, found {value.ValueKind}");
        return value;
    }
}
