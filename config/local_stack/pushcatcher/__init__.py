"""The stand-in for push: answers as FCM and as a browser's push service do, delivers to no device, shows what came."""
