using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DistillOnnx.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace DistillOnnx.Server.Security;

/// <summary>TLS and mutual TLS from files.</summary>
internal static class ServerCertificate
{
    /// <summary>Sets an https endpoint up.</summary>
    /// <exception cref="InputException">A file does not hold what it should.</exception>
    public static void Configure(HttpsConnectionAdapterOptions https, ServerOptions options)
    {
        var chain = new X509Certificate2Collection();
        https.ServerCertificate = Read(options, chain);
        https.ServerCertificateChain = chain;
        if (options.TlsClientCa is not { } path) return;
        var authorities = new X509Certificate2Collection();
        Guard(path, () => authorities.ImportFromPemFile(path));
        if (authorities.Count == 0) throw new InputException($"{path}: expected certificates as PEM, found none");
        https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        https.ClientCertificateValidation = (certificate, _, _) => IsSignedBy(certificate, authorities);
    }

    private static X509Certificate2 Read(ServerOptions options, X509Certificate2Collection chain)
    {
        var path = options.TlsCertificate!;
        if (Path.GetExtension(path) is ".pfx" or ".p12")
            return Guard(path, () => X509CertificateLoader.LoadPkcs12FromFile(path, options.TlsPassword));
        Guard(path, () => chain.ImportFromPemFile(path));
        var certificate = Guard(options.TlsKey ?? path, () => options.TlsPassword is { } password
            ? X509Certificate2.CreateFromEncryptedPemFile(path, password, options.TlsKey)
            : X509Certificate2.CreateFromPemFile(path, options.TlsKey));

        // Some platforms cannot use a key that lives in memory alone.
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }

    private static bool IsSignedBy(X509Certificate2 certificate, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        return chain.Build(certificate);
    }

    private static void Guard(string path, Action read) => Guard(path, () =>
    {
        read();
        return true;
    });

    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read as a certificate and its key: {e.Message}", e);
        }
    }
}
