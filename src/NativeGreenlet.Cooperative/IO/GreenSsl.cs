using System.Net.Security;
using NativeGreenlet.Cooperative.Tasks;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// TLS over a <see cref="GreenStream"/>. <c>new SslStream(greenStream)</c> works as well, with its synchronous methods:
/// they read and write the stream below, and that parks.
/// </summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     using GreenStream plain = GreenSocket.Connect("example.org", 443).GetStream();
///     using GreenStream secure = GreenSsl.AuthenticateAsClient(plain, new SslClientAuthenticationOptions { TargetHost = "example.org" });
///     secure.Write("HEAD / HTTP/1.0\r\nHost: example.org\r\n\r\n"u8);
/// });
/// </code></example>
public static class GreenSsl
{
    /// <summary>Makes a TLS connection as a client; parks during the handshake.</summary>
    /// <param name="stream">The connection.</param>
    /// <param name="options">Name of the server, certificates and the like.</param>
    /// <returns>The encrypted stream. Closing it closes the connection.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The handshake failed: a certificate was not
    /// accepted, for example.</exception>
    /// <exception cref="IOException">The connection failed.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static GreenStream AuthenticateAsClient(Stream stream, SslClientAuthenticationOptions options)
    {
        SslStream ssl = new(stream, leaveInnerStreamOpen: false);
        Handshake(ssl, token => ssl.AuthenticateAsClientAsync(options, token));
        return new GreenStream(ssl);
    }

    /// <inheritdoc cref="AuthenticateAsClient(Stream, SslClientAuthenticationOptions)" path="/*[not(self::param)]"/>
    /// <param name="stream">The connection.</param>
    /// <param name="options">Name of the server, certificates and the like.</param>
    /// <param name="cancellationToken">Ends the handshake when it is cancelled; the connection is closed.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static GreenStream AuthenticateAsClient(Stream stream, SslClientAuthenticationOptions options, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return AuthenticateAsClient(stream, options);
    }

    /// <summary>Makes a TLS connection as a server; parks during the handshake.</summary>
    /// <param name="stream">The connection.</param>
    /// <param name="options">Certificate and the like.</param>
    /// <returns>The encrypted stream. Closing it closes the connection.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The handshake failed: a certificate was not
    /// accepted, for example.</exception>
    /// <exception cref="IOException">The connection failed.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static GreenStream AuthenticateAsServer(Stream stream, SslServerAuthenticationOptions options)
    {
        SslStream ssl = new(stream, leaveInnerStreamOpen: false);
        Handshake(ssl, token => ssl.AuthenticateAsServerAsync(options, token));
        return new GreenStream(ssl);
    }

    /// <inheritdoc cref="AuthenticateAsServer(Stream, SslServerAuthenticationOptions)" path="/*[not(self::param)]"/>
    /// <param name="stream">The connection.</param>
    /// <param name="options">Certificate and the like.</param>
    /// <param name="cancellationToken">Ends the handshake when it is cancelled; the connection is closed.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static GreenStream AuthenticateAsServer(Stream stream, SslServerAuthenticationOptions options, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return AuthenticateAsServer(stream, options);
    }

    // On the pool: to look at a certificate may mean to ask for others, which blocks.
    private static void Handshake(SslStream ssl, Func<CancellationToken, Task> handshake)
    {
        bool isDone = false;
        try
        {
            Hub.Await(token => Task.Run(() => handshake(token), CancellationToken.None));
            isDone = true;
        }
        finally
        {
            if (!isDone)
            {
                ssl.Dispose();
            }
        }
    }
}
