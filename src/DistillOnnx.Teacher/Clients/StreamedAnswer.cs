using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DistillOnnx.Teacher.Clients;

/// <summary>Puts the events of a streamed answer together into the body that the answer has where it comes whole.</summary>
internal static class StreamedAnswer
{
    /// <summary>Joins server-sent events.</summary>
    /// <exception cref="TeacherException">The stream ends before the answer does, or reports a fault.</exception>
    public static byte[] Join(byte[] events, Uri url)
    {
        var (content, thoughts, text) = (new StringBuilder(), new StringBuilder(), new StringBuilder());
        string? finish = null, model = null, refusal = null;
        JsonNode? usage = null;
        var others = false;
        try
        {
            foreach (var line in JsonEscapes.Mend(events).Split('\n'))
            {
                if (!line.StartsWith("data:", StringComparison.Ordinal)) continue;
                var data = line["data:".Length..].Trim();
                if (data == "[DONE]") break;
                var part = JsonNode.Parse(data)!.AsObject();
                if (part["error"] is { } error)
                    throw Fault(EndpointFaults.Read(Encoding.UTF8.GetBytes(error.ToJsonString()), null).Message);
                model ??= (string?)part["model"];
                if (part["usage"] is JsonObject counted) usage = counted.DeepClone();
                if (part["choices"] is not JsonArray { Count: > 0 } choices) continue;
                // One answer is asked for: parts of others do not belong to it.
                if (choices.Where((c, place) => Index(c, place) == 0).FirstOrDefault() is not JsonObject choice)
                {
                    others = true;
                    continue;
                }

                finish = (string?)choice["finish_reason"] ?? finish;
                text.Append((string?)choice["text"]);
                if ((choice["delta"] ?? choice["message"]) is not JsonObject delta) continue;
                content.Append((string?)delta["content"]);
                thoughts.Append((string?)delta["reasoning_content"] ?? (string?)delta["reasoning"]);
                refusal = (string?)delta["refusal"] ?? refusal;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Fault("the streamed answer was cut", e);
        }

        if (finish is null)
        {
            var none = others && content.Length + thoughts.Length + text.Length == 0 && refusal is null;
            throw none
                ? Fault("expected a choice of index 0 among the \"choices\" of the streamed answer, found others alone", unreadable: true)
                : Fault("the streamed answer was cut");
        }

        var message = new JsonObject { ["role"] = "assistant", ["content"] = content.ToString() };
        if (thoughts.Length > 0) message["reasoning_content"] = thoughts.ToString();
        if (refusal is not null) message["refusal"] = refusal;
        var body = new JsonObject
        {
            ["model"] = model,
            ["choices"] = new JsonArray(new JsonObject { ["finish_reason"] = finish, ["message"] = message, ["text"] = text.ToString() }),
            ["usage"] = usage,
        };
        return JsonSerializer.SerializeToUtf8Bytes(body);

        TeacherException Fault(string said, Exception? inner = null, bool unreadable = false) =>
            new(TeacherFault.Transient, $"{url}: {said}", inner: inner) { Usage = ReportedUsage.Find(events), Unreadable = unreadable };
    }

    private static int Index(JsonNode? choice, int place) =>
        choice is JsonObject given && given["index"] is JsonValue value && value.TryGetValue<int>(out var index) ? index : place;
}
