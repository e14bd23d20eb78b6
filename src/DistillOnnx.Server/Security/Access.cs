using System.Security.Cryptography;
using DistillOnnx.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.IdentityModel.Tokens;

namespace DistillOnnx.Server.Security;

/// <summary>Who may call what: API keys and bearer tokens by ASP.NET's own means.</summary>
internal static class Access
{
    /// <summary>Whether a caller must prove who it is.</summary>
    public static bool IsRestricted(ServerOptions options) => Schemes(options).Length > 0;

    /// <summary>Adds what is wrong with the options for bearer tokens: found later, it would fail every call.</summary>
    public static void Check(ServerOptions options, List<string> faults)
    {
        if (options.JwtAuthority is { } authority && !IsAuthority(authority))
            faults.Add($"jwt-authority: expected an https URL, or an http one of this machine, found \"{authority}\"");
        if (options.JwtKey is not { } file || !File.Exists(file)) return;
        try
        {
            ReadKey(file);
        }
        catch (Exception e) when (e is InputException or IOException or UnauthorizedAccessException)
        {
            faults.Add($"jwt-key: {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    /// <summary>Adds what the options ask for.</summary>
    public static void Add(IServiceCollection services, ServerOptions options)
    {
        var schemes = Schemes(options);
        services.AddSingleton(ApiKeySet.Read(options));

        // What AddAuthentication does, without the key ring on disk that only cookies need.
        services.AddAuthenticationCore(authentication => authentication.DefaultScheme = schemes.FirstOrDefault());
        services.AddWebEncoders();
        services.AddSingleton<IAuthenticationConfigurationProvider, NoConfiguration>();
        var authentication = new AuthenticationBuilder(services);
        if (schemes.Contains(ApiKeyHandler.SchemeName))
            authentication.AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyHandler.SchemeName, null);
        if (schemes.Contains(JwtBearerDefaults.AuthenticationScheme)) authentication.AddJwtBearer(jwt => Configure(jwt, options));
        services.AddAuthorization(policies =>
        {
            // Whatever an endpoint does not open by itself is closed.
            if (schemes.Length > 0)
                policies.FallbackPolicy = policies.DefaultPolicy =
                    new AuthorizationPolicyBuilder(schemes).RequireAuthenticatedUser().Build();
        });
    }

    private static string[] Schemes(ServerOptions options)
    {
        var schemes = new List<string>();
        if (options.ApiKeys.Count > 0) schemes.Add(ApiKeyHandler.SchemeName);
        if (options.JwtAuthority is not null || options.JwtKey is not null) schemes.Add(JwtBearerDefaults.AuthenticationScheme);
        return [.. schemes];
    }

    private static void Configure(JwtBearerOptions jwt, ServerOptions options)
    {
        jwt.MapInboundClaims = false;
        jwt.Audience = options.JwtAudience;
        jwt.TokenValidationParameters.NameClaimType = "sub";
        if (options.JwtAuthority is { } authority)
        {
            jwt.Authority = authority;
            jwt.RequireHttpsMetadata = !new Uri(authority).IsLoopback;
            return;
        }

        jwt.TokenValidationParameters.ValidateIssuer = false;
        jwt.TokenValidationParameters.IssuerSigningKey = ReadKey(options.JwtKey!);
    }

    /// <summary>Whether keys can be fetched from there: over https, or from this machine.</summary>
    private static bool IsAuthority(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url)
        && url.Host.Length > 0 && url.Query.Length == 0 && url.Fragment.Length == 0
        && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback));

    private static AsymmetricSecurityKey ReadKey(string path)
    {
        var pem = File.ReadAllText(path);
        try
        {
            var rsa = RSA.Create();
            rsa.ImportFromPem(pem);
            return new RsaSecurityKey(rsa);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            try
            {
                var curve = ECDsa.Create();
                curve.ImportFromPem(pem);
                return new ECDsaSecurityKey(curve);
            }
            catch (Exception again) when (again is ArgumentException or CryptographicException or NotSupportedException)
            {
                throw new InputException($"{path}: expected the PEM of an RSA or elliptic-curve public key: {again.Message}", again);
            }
        }
    }

    private sealed class NoConfiguration : IAuthenticationConfigurationProvider
    {
        public IConfiguration AuthenticationConfiguration { get; } = new ConfigurationBuilder().Build();
    }
}
