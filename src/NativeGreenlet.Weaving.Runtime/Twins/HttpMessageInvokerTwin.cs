using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="HttpClient"/> and <see cref="HttpMessageInvoker"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(HttpMessageInvoker))]
[GreenletTwin(typeof(HttpClient))]
[StackTraceHidden]
public static class HttpMessageInvokerTwin
{
    public static HttpResponseMessage Send(HttpMessageInvoker self, HttpRequestMessage request, CancellationToken cancellationToken) =>
        Hub.IsInside
            ? Parking.Run(token => self.SendAsync(request, token), cancellationToken, static late => late.Dispose())
            : self.Send(request, cancellationToken);

    public static HttpResponseMessage Send(HttpClient self, HttpRequestMessage request) =>
        Send(self, request, HttpCompletionOption.ResponseContentRead, CancellationToken.None);

    public static HttpResponseMessage Send(HttpClient self, HttpRequestMessage request, CancellationToken cancellationToken) =>
        Send(self, request, HttpCompletionOption.ResponseContentRead, cancellationToken);

    public static HttpResponseMessage Send(HttpClient self, HttpRequestMessage request, HttpCompletionOption completionOption) =>
        Send(self, request, completionOption, CancellationToken.None);

    public static HttpResponseMessage Send(HttpClient self, HttpRequestMessage request, HttpCompletionOption completionOption, CancellationToken cancellationToken) =>
        Hub.IsInside
            ? Parking.Run(token => self.SendAsync(request, completionOption, token), cancellationToken, static late => late.Dispose())
            : self.Send(request, completionOption, cancellationToken);
}
