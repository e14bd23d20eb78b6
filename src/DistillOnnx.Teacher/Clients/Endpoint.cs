using System.Net;
using System.Security.Authentication;

namespace DistillOnnx.Teacher.Clients;

/// <summary>An endpoint as messages name it, with what a user does about each thing that may be wrong.</summary>
/// <param name="Url">Where it is.</param>
/// <param name="Key">Is taken out of messages; null: there is none.</param>
/// <param name="KeyAdvice">What to do where the key is not accepted.</param>
/// <param name="ModelAdvice">What to do where there is no such model.</param>
/// <param name="PlaceAdvice">What to do where something else is there, or nothing.</param>
internal sealed record Endpoint(Uri Url, string? Key, string KeyAdvice, string ModelAdvice, string PlaceAdvice)
{
    private const string NothingLeft = "nothing is left to spend: see plan and billing of the account";

    /// <summary>The fault that a response's status and body mean.</summary>
    /// <param name="status">The status.</param>
    /// <param name="body">The body, in any form.</param>
    /// <param name="retryAfter">How long the endpoint asks to wait; null where it gives no time.</param>
    /// <param name="location">Where the endpoint sends the client; null: nowhere.</param>
    public TeacherException Refused(HttpStatusCode status, byte[] body, TimeSpan? retryAfter = null, Uri? location = null)
    {
        var (message, code) = EndpointFaults.Read(body, Key);
        var fault = EndpointFaults.Of(status, message, code);
        var advice = (int)status switch
        {
            401 or 403 => KeyAdvice,
            404 when message.Contains("model", StringComparison.OrdinalIgnoreCase) || EndpointFaults.IsWrongModel(code) => ModelAdvice,
            404 or 405 => PlaceAdvice,
            >= 300 and < 400 => location is null ? PlaceAdvice : $"it sends on to {location}: name that place in --teacher",
            402 => NothingLeft,
            _ when EndpointFaults.IsQuota(code, message) => NothingLeft,
            400 or 422 when EndpointFaults.IsWrongModel(code) => ModelAdvice,
            400 or 422 when fault == TeacherFault.Fatal => KeyAdvice,
            _ => "",
        };
        var said = $"{Url}: HTTP {(int)status}{(code.Length > 0 ? $" {code}" : "")}{(message.Length > 0 ? $": {message}" : "")}";
        return new TeacherException(fault, advice.Length > 0 ? $"{said}; {advice}" : said, retryAfter)
        {
            Usage = ReportedUsage.Find(body),
        };
    }

    /// <summary>The fault of a connection that was not made, or broke.</summary>
    public TeacherException Broken(Exception fault)
    {
        var (kind, said) = (fault as HttpRequestException)?.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => (TeacherFault.Unreachable, "no host of this name is found"),
            HttpRequestError.SecureConnectionError => (TeacherFault.Unreachable, $"no secure connection: {Insecure(fault)}"),
            HttpRequestError.ConnectionError => (TeacherFault.Unreachable, $"cannot be reached: {fault.Message}; {PlaceAdvice}"),
            _ => (TeacherFault.Transient, $"the answer was cut: {fault.Message}"),
        };
        return new TeacherException(kind, $"{Url}: {said.ReplaceLineEndings(" ")}", inner: fault);
    }

    /// <summary>The fault of an answer that did not come in time.</summary>
    public TeacherException TimedOut(TimeSpan limit, Exception fault) =>
        new(TeacherFault.Transient, $"{Url}: no answer within {limit.TotalSeconds:0.###} s", inner: fault);

    // The outer message names no cause.
    private static string Insecure(Exception fault)
    {
        var cause = fault;
        while (cause.InnerException is { } inner) cause = inner;
        return cause is AuthenticationException && cause.Message.Contains("certificate", StringComparison.OrdinalIgnoreCase)
            ? $"{cause.Message}; SSL_CERT_FILE names certificates to trust"
            : $"{cause.Message}; a server that has no certificate is asked by http://";
    }
}
