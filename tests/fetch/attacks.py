"""Ways in which a page may try to reach an address: markup and scripts, by name; `{trap}` is "host:port"."""

from __future__ import annotations

ATTACKS = {
    "fetch": "<script>fetch('http://{trap}/')</script>",
    "fetch without CORS": "<script>fetch('http://{trap}/', {{mode: 'no-cors', keepalive: true}})</script>",
    "POST": "<script>fetch('http://{trap}/', {{method: 'POST', mode: 'no-cors', body: 'x'}})</script>",
    "XMLHttpRequest": "<script>x = new XMLHttpRequest(); x.open('GET', 'http://{trap}/'); x.send()</script>",
    "beacon": "<script>navigator.sendBeacon('http://{trap}/', 'x')</script>",
    "img": "<img src='http://{trap}/'>",
    "odd spelling": "<img src='http://0x7f.1:{port}/'><img src='http://[::ffff:127.0.0.1]:{port}/'>",
    "name": "<img src='http://localhost:{port}/'><img src='http://a.localhost:{port}/'>",
    "script": "<script src='http://{trap}/'></script>",
    "module": "<script type='module'>import('http://{trap}/')</script>",
    "stylesheet": "<link rel='stylesheet' href='http://{trap}/'>",
    "style": "<style>@import 'http://{trap}/'; body {{ background: url('http://{trap}/b') }}</style>",
    "font": "<style>@font-face {{ font-family: f; src: url('http://{trap}/') }} p {{ font-family: f }}</style><p>x",
    "video": "<video src='http://{trap}/' autoplay muted poster='http://{trap}/p'></video>",
    "iframe": "<iframe src='http://{trap}/'></iframe>",
    "srcdoc": "<iframe srcdoc=\"<img src='http://{trap}/'>\"></iframe>",
    "sandbox": "<iframe sandbox='allow-scripts' srcdoc=\"<script>fetch('http://{trap}/')</script>\"></iframe>",
    "object": "<object data='http://{trap}/'></object><embed src='http://{trap}/'>",
    "form in a frame": (
        "<iframe name='f'></iframe><form id='inner' target='f' method='post' action='http://{trap}/'></form>"
        "<script>inner.submit()</script>"
    ),
    "popup": "<script>window.open('http://{trap}/')</script>",
    "link clicked": "<a id='blank' target='_blank' href='http://{trap}/' ping='http://{trap}/'>x</a><script>blank.click()</script>",
    "WebSocket": "<script>new WebSocket('ws://{trap}/')</script>",
    "EventSource": "<script>new EventSource('http://{trap}/')</script>",
    "worker": "<script>new Worker(URL.createObjectURL(new Blob([\"fetch('http://{trap}/')\"])))</script>",
    "worker's WebSocket": (
        "<script>new Worker(URL.createObjectURL(new Blob([\"new WebSocket('ws://{trap}/')\"])))</script>"
    ),
    "shared worker": "<script>new SharedWorker(URL.createObjectURL(new Blob([\"fetch('http://{trap}/')\"])))</script>",
    "service worker": "<script>navigator.serviceWorker.register('/worker.js')</script>",
    "WebRTC": (
        "<script>c = new RTCPeerConnection({{iceServers: [{{urls: 'stun:{udp}'}},"
        " {{urls: ['turn:{udp}', 'turn:{trap}?transport=tcp', 'turns:{trap}'], username: 'u', credential: 'c'}}]}});"
        "c.createDataChannel('x'); c.createOffer().then(o => c.setLocalDescription(o))</script>"
    ),
    "WebTransport": "<script>new WebTransport('https://{udp}/')</script>",
    "hints": (
        "<link rel='preconnect' href='http://{trap}/'><link rel='prefetch' href='http://{trap}/'>"
        "<link rel='preload' as='fetch' href='http://{trap}/'><link rel='modulepreload' href='http://{trap}/'>"
        "<link rel='dns-prefetch' href='http://{trap}/'><link rel='prerender' href='http://{trap}/'>"
        "<link rel='icon' href='http://{trap}/'><link rel='manifest' href='http://{trap}/'>"
    ),
    "speculation rules": (
        "<script type='speculationrules'>"
        '{{"prerender": [{{"urls": ["http://{home}/away"], "eagerness": "immediate"}}],'
        ' "prefetch": [{{"urls": ["http://{trap}/"], "eagerness": "immediate"}}]}}</script>'
    ),
    "redirected": (
        "<img src='/away'><iframe src='/away'></iframe><script>fetch('/away')</script><script src='/away'></script>"
    ),
    "file": "<iframe src='file:///etc/passwd'></iframe><script>fetch('file:///etc/passwd')</script>",
    "metadata": "<img src='http://169.254.169.254/latest/'><script>fetch('http://169.254.169.254/latest/')</script>",
}

LEAVING = {
    "form": "<form method='post' action='http://{trap}/'></form><script>document.forms[0].submit()</script>",
    "download": "<a id='file' download href='http://{trap}/'>x</a><script>file.click()</script>",
}
"""Those by which a page leaves itself."""
