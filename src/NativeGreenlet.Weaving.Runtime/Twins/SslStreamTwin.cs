using System.Diagnostics;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="SslStream"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(SslStream))]
[StackTraceHidden]
public static class SslStreamTwin
{
    public static void AuthenticateAsClient(SslStream self, string targetHost)
    {
        if (!Hub.IsInside)
        {
            self.AuthenticateAsClient(targetHost);
            return;
        }

        Parking.Run(_ => self.AuthenticateAsClientAsync(targetHost));
    }

    public static void AuthenticateAsClient(SslStream self, string targetHost, X509CertificateCollection? clientCertificates, bool checkCertificateRevocation)
    {
        if (!Hub.IsInside)
        {
            self.AuthenticateAsClient(targetHost, clientCertificates, checkCertificateRevocation);
            return;
        }

        Parking.Run(_ => self.AuthenticateAsClientAsync(targetHost, clientCertificates, checkCertificateRevocation));
    }

    public static void AuthenticateAsClient(SslStream self, string targetHost, X509CertificateCollection? clientCertificates, SslProtocols enabledSslProtocols, bool checkCertificateRevocation)
    {
        if (!Hub.IsInside)
        {
            self.AuthenticateAsClient(targetHost, clientCertificates, enabledSslProtocols, checkCertificateRevocation);
            return;
        }

        Parking.Run(_ => self.AuthenticateAsClientAsync(targetHost, clientCertificates, enabledSslProtocols, checkCertificateRevocation));
    }

    public static void AuthenticateAsClient(SslStream self, SslClientAuthenticationOptions sslClientAuthenticationOptions)
    {
        if (!Hub.IsInside)
        {
            self.AuthenticateAsClient(sslClientAuthenticationOptions);
            return;
        }

        Parking.Run(token => self.AuthenticateAsClientAsync(sslClientAuthenticationOptions, token));
    }

    public static void AuthenticateAsServer(SslStream self, X509Certificate serverCertificate)
    {
        if (!Hub.IsInside)
        {
            self.AuthenticateAsServer(serverCertificate);
            return;
        }

        Parking.Run(_ => self.AuthenticateAsServerAsync(serverCertificate));
    }

    public static void AuthenticateAsServer(SslStream self, SslServerAuthenticationOptions sslServerAuthenticationOptions)
    {
        if (!Hub.IsInside)
        {
            self.AuthenticateAsServer(sslServerAuthenticationOptions);
            return;
        }

        Parking.Run(token => self.AuthenticateAsServerAsync(sslServerAuthenticationOptions, token));
    }
}
