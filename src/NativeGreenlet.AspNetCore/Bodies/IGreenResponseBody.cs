using Microsoft.AspNetCore.Http.Features;

namespace NativeGreenlet.AspNetCore;

/// <summary>A response body that middleware has put in place, as the request sees it: the streams that its writer makes park.</summary>
internal interface IGreenResponseBody : IHttpResponseBodyFeature
{
    /// <summary>What was put in place.</summary>
    IHttpResponseBodyFeature Below { get; }
}
