using System.Diagnostics;
using System.Net;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="WebRequest"/> and <see cref="HttpWebRequest"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(WebRequest))]
[StackTraceHidden]
public static class WebRequestTwin
{
    // The time of a request is for synchronous calls alone: what stands in for one has to look after it. None is refused.
    public static WebResponse GetResponse(WebRequest self)
    {
        int milliseconds = Hub.IsInside && self is HttpWebRequest ? self.Timeout : Timeout.Infinite;
        if (!Hub.IsInside || milliseconds == 0)
        {
            return self.GetResponse();
        }

        return milliseconds < 0
            ? Parking.Run(token => RunAsync(self, self.GetResponseAsync, token), whenGivenUp: static late => late.Dispose())
            : Parking.TryRun(token => RunAsync(self, self.GetResponseAsync, token), milliseconds, out WebResponse? response)
                ? response
                : throw new WebException("The operation has timed out.", WebExceptionStatus.Timeout);
    }

    public static Stream GetRequestStream(WebRequest self) =>
        Hub.IsInside ? Parking.Run(token => RunAsync(self, self.GetRequestStreamAsync, token), whenGivenUp: static late => late.Dispose()) : self.GetRequestStream();

    private static async Task<T> RunAsync<T>(WebRequest request, Func<Task<T>> begin, CancellationToken cancellationToken)
    {
        using (cancellationToken.Register(request.Abort))
        {
            return await begin().ConfigureAwait(false);
        }
    }
}
