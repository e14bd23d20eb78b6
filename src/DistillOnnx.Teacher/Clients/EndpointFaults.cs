using System.Net;
using System.Text.Json;

namespace DistillOnnx.Teacher.Clients;

/// <summary>Classifies endpoints' error responses by what they affect.</summary>
internal static class EndpointFaults
{
    private const int LongestMessage = 300;
    private static readonly string[] WrongModel = ["model_not_found", "invalid_model", "DeploymentNotFound"];
    private static readonly string[] NoAccess = ["invalid_api_key", "authentication_error", "permission_error"];
    private static readonly string[] NoAccessWords = ["api key not valid", "invalid api key", "api key is invalid"];
    private static readonly string[] Quota = ["insufficient_quota", "billing_hard_limit_reached", "billing_error", "insufficient_balance"];
    private static readonly string[] QuotaWords = ["credit balance", "insufficient balance"];
    private static readonly string[] RefusedCodes = [
        "content_filter", "content_policy_violation", "context_length_exceeded", "exceed_context_size_error", "string_above_max_length"
    ];
    private static readonly string[] RefusedWords = [
        "context length", "context size", "context window", "content management policy", "content policy", "prompt is too long"
    ];

    /// <summary>Whether a code means that the model refuses this request.</summary>
    public static bool IsRefusal(string code) => RefusedCodes.Contains(code);

    /// <summary>Whether a code means that there is no such model.</summary>
    public static bool IsWrongModel(string code) => WrongModel.Contains(code, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether an error means that nothing is left to spend.</summary>
    public static bool IsQuota(string code, string message) => Quota.Contains(code) || Has(message, QuotaWords);

    /// <summary>How far the fault reaches that a status and its error mean.</summary>
    public static TeacherFault Of(HttpStatusCode status, string message, string code) => (int)status switch
    {
        404 => TeacherFault.Setup,
        400 or 413 or 422 when IsRefusal(code) || Has(message, RefusedWords) => TeacherFault.Refused,
        400 or 402 or 422 or 429 when NoAccess.Contains(code) || IsQuota(code, message) => TeacherFault.Fatal,
        400 or 422 when Has(message, NoAccessWords) => TeacherFault.Fatal,
        400 or 422 when IsWrongModel(code) => TeacherFault.Setup,
        400 or 413 or 422 => TeacherFault.Request,
        429 => TeacherFault.Throttled,
        408 or 409 or 425 or >= 500 => TeacherFault.Transient,
        _ => TeacherFault.Fatal,
    };

    private static bool Has(string message, string[] words) => words.Any(w => message.Contains(w, StringComparison.OrdinalIgnoreCase));

    /// <summary>Message and code of an error's body, in one line each, without the key.</summary>
    public static (string Message, string Code) Read(byte[] body, string? key)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() > 0
                ? list[0]
                : document.RootElement;
            var error = root.TryGetProperty("error", out var inner) ? inner : root;
            if (error.ValueKind == JsonValueKind.String) return (OneLine(error.GetString()!, key), "");
            return (
                OneLine(Text(error, "message") ?? Text(error, "detail") ?? "", key),
                OneLine(Text(error, "code") ?? Text(error, "type") ?? Text(error, "status") ?? "", key));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return (OneLine(System.Text.Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(200, body.Length))), key), "");
        }
    }

    /// <summary>How long an endpoint asks to wait; null where it gives no time.</summary>
    public static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider clock)
    {
        if (response.Headers.TryGetValues("retry-after-ms", out var values)
            && double.TryParse(
                values.First(),
                System.Globalization.NumberStyles.Float,
                System.Globalization.CultureInfo.InvariantCulture,
                out var milliseconds)
            && milliseconds is >= 0 and < 1e9)
        {
            return TimeSpan.FromMilliseconds(milliseconds);
        }
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date is { } date ? date - clock.GetUtcNow() : null);
        return wait is { } time && time < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    /// <summary>Whether a body reports an error instead of an answer.</summary>
    public static bool Reports(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("error", out var error)
                && error.ValueKind is JsonValueKind.Object or JsonValueKind.String;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>A text in one line, without the key, which some endpoints repeat where they do not accept it.</summary>
    public static string OneLine(string text, string? key, int longest = LongestMessage)
    {
        text = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
        if (key is { Length: >= 8 }) text = text.Replace(key, "…", StringComparison.Ordinal);
        return text.Length <= longest ? text : text[..longest] + "…";
    }

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
