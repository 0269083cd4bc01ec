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
    public static WebResponse GetResponse(WebRequest self) => Hub.IsInside ? Parking.Run(_ => self.GetResponseAsync(), whenGivenUp: static late => late.Dispose()) : self.GetResponse();

    public static Stream GetRequestStream(WebRequest self) => Hub.IsInside ? Parking.Run(_ => self.GetRequestStreamAsync()) : self.GetRequestStream();
}
