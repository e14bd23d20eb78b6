namespace DistillOnnx.Server.Playground;

/// <summary>The page at <c>/</c> on which a person tries a model. It calls the JSON interface like any other client.</summary>
internal static class PlaygroundPage
{
    // The page holds all that it needs and calls no other server.
    private const string Policy =
        "default-src 'none'; script-src 'sha256-{0}'; style-src 'unsafe-inline'; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void Map(WebApplication app)
    {
        var (page, script) = Read();
        var policy = string.Format(System.Globalization.CultureInfo.InvariantCulture, Policy, script);
        app.MapGet("/", (HttpContext context) =>
        {
            context.Response.Headers.ContentSecurityPolicy = policy;
            context.Response.Headers.XContentTypeOptions = "nosniff";
            return Results.Text(page, "text/html; charset=utf-8");
        }).AllowAnonymous();
    }

    /// <summary>The page, and the hash of the one script in it.</summary>
    internal static (string Page, string ScriptHash) Read()
    {
        using var reader = new StreamReader(typeof(PlaygroundPage).Assembly.GetManifestResourceStream("playground.html")!);
        var page = reader.ReadToEnd().ReplaceLineEndings("\n");
        var start = page.IndexOf("<script>", StringComparison.Ordinal) + "<script>".Length;
        var end = page.IndexOf("</script>", start, StringComparison.Ordinal);
        var hash = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(page[start..end]));
        return (page, Convert.ToBase64String(hash));
    }
}
