using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="HttpContent"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(HttpContent))]
[StackTraceHidden]
public static class HttpContentTwin
{
    public static Stream ReadAsStream(HttpContent self) => ReadAsStream(self, CancellationToken.None);

    public static Stream ReadAsStream(HttpContent self, CancellationToken cancellationToken) =>
        Hub.IsInside ? Parking.Run(self.ReadAsStreamAsync, cancellationToken) : self.ReadAsStream(cancellationToken);

    public static void CopyTo(HttpContent self, Stream stream, System.Net.TransportContext? context, CancellationToken cancellationToken)
    {
        if (!Hub.IsInside)
        {
            self.CopyTo(stream, context, cancellationToken);
            return;
        }

        Parking.Run(
            async token =>
            {
                await self.CopyToAsync(stream, context, token).ConfigureAwait(false);
                return true;
            },
            cancellationToken);
    }
}
