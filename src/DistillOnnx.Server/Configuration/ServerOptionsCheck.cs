using DistillOnnx.Runtime.Devices;
using DistillOnnx.Server.Collecting;
using DistillOnnx.Server.Hosting;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.Security;

namespace DistillOnnx.Server.Configuration;

/// <summary>Finds every fault of the server's options before anything is loaded.</summary>
internal static class ServerOptionsCheck
{
    public static IReadOnlyList<string> Faults(ServerOptions options)
    {
        var faults = new List<string>();
        Models(options, faults);
        Addresses(options, faults);
        Limits(options, faults);
        Security(options, faults);
        faults.AddRange(options.Collecting.Validate());
        if (options.Collecting.CollectRedact is { } file) Redactor.Check(file, faults);
        faults.AddRange(options.Teacher.Validate());
        return faults;
    }

    private static void Models(ServerOptions options, List<string> faults)
    {
        if (options.Model.Count == 0 && options.ModelFolder is null)
            faults.Add("nothing to serve: pass --model [NAME=]BUNDLE or --model-folder DIR");
        foreach (var model in options.Model) ModelReference.Check(model, faults);
        if (options.ModelFolder is { } folder && !Directory.Exists(folder))
            faults.Add($"{folder}: no such directory; expected a folder of bundles");
    }

    private static void Addresses(ServerOptions options, List<string> faults)
    {
        if (options.Urls.Count == 0) faults.Add("no address to listen on: --urls is empty");
        foreach (var url in options.Urls.Concat(options.AdminUrls))
        {
            if (ListenAddress.TryParse(url, faults) is { IsHttps: true } && options.TlsCertificate is null)
                faults.Add($"\"{url}\": https needs --tls-certificate");
        }

        if (options.OtlpEndpoint is { } otlp && !Uri.TryCreate(otlp, UriKind.Absolute, out _))
            faults.Add($"otlp-endpoint: \"{otlp}\" is not a URL");
    }

    private static void Limits(ServerOptions options, List<string> faults)
    {
        faults.AddRange(options.Inference.Validate());
        if (!RuntimeDevice.IsWellFormed(options.Inference.Device))
            faults.Add($"device must be auto, cpu or cuda:N, found \"{options.Inference.Device}\"");

        void Range(string name, double value, double low, double high)
        {
            if (!(value >= low && value <= high))
                faults.Add(FormattableString.Invariant($"{name} must be between {low} and {high}, found {value}"));
        }

        Range("poll-seconds", options.PollSeconds, 0, 3600);
        Range("keep-versions", options.KeepVersions, 1, 64);
        Range("lanes", options.Lanes, 0, 64);
        Range("queue-rows", options.QueueRows, 1, 1_000_000);
        Range("batch-rows", options.BatchRows, 0, 4096);
        Range("batch-tokens", options.BatchTokens, 0, 1 << 24);
        Range("batch-wait-ms", options.BatchWaitMs, 0, 10_000);
        Range("request-rows", options.RequestRows, 0, Math.Max(1, options.QueueRows));
        Range("rationale-tokens", options.RationaleTokens, 1, 1 << 14);
        Range("rationale-rows", options.RationaleRows, 1, 1_000_000);
        Range("request-tokens", options.RequestTokens, 2, 1 << 20);
        Range("request-characters", options.RequestCharacters, 1, 1 << 30);
        Range("message-bytes", options.MessageBytes, 1024, 1 << 30);
        Range("connections", options.Connections, 0, 10_000_000);
        if (FileLimit.OfProcess() is { } files and <= FileLimit.Reserve)
        {
            faults.Add(
                $"the process may have {files} files open (ulimit -n), which leaves no room for connections; expected more than "
                + $"{FileLimit.Reserve}");
        }

        Range("drain-seconds", options.DrainSeconds, 0, 3600);
        Range("drain-delay-seconds", options.DrainDelaySeconds, 0, 3600);
    }

    private static void Security(ServerOptions options, List<string> faults)
    {
        foreach (var file in new[] { options.TlsCertificate, options.TlsKey, options.TlsClientCa, options.JwtKey })
        {
            if (file is not null && !File.Exists(file)) faults.Add($"{file}: no such file");
        }

        var https = options.Urls.Any(u => u.StartsWith("https:", StringComparison.OrdinalIgnoreCase));
        if (options.TlsClientCa is not null && !https)
            faults.Add("tls-client-ca: no address is https, so no client can show a certificate");
        if (options.TlsCertificate is not null && !https) faults.Add("tls-certificate: no address is https, so it would not be used");
        if (options.TlsKey is not null && options.TlsCertificate is null) faults.Add("tls-key needs tls-certificate");
        if (options.JwtAuthority is not null && options.JwtKey is not null) faults.Add("jwt-authority and jwt-key exclude one another");
        if (options.JwtAudience is not null && options.JwtAuthority is null && options.JwtKey is null)
            faults.Add("jwt-audience needs jwt-authority or jwt-key");
        if ((options.JwtAuthority is not null || options.JwtKey is not null) && string.IsNullOrWhiteSpace(options.JwtAudience))
            faults.Add("jwt-audience is missing: a token for another service would do");
        Access.Check(options, faults);
        ApiKeySet.Check(options, faults);
        foreach (var origin in options.CorsOrigins) CrossOrigin.Check(origin, faults);
    }
}
